-- +goose Up
ALTER TABLE users ADD email text;
