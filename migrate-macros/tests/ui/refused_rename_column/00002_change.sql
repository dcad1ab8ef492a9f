-- +goose Up
ALTER TABLE users RENAME COLUMN role TO kind;

-- +goose Down
ALTER TABLE users RENAME COLUMN kind TO role;
