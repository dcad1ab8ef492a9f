-- +goose Up
ALTER TABLE users ADD phone text;
