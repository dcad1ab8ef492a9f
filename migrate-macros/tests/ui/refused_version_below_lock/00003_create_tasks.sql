-- +goose Up
CREATE TABLE tasks (id bigint);
