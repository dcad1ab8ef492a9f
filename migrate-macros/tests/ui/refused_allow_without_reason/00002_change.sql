-- +goose Up
-- migrate:allow drop-column(users.role)
ALTER TABLE users DROP COLUMN role;

-- +goose Down
ALTER TABLE users ADD COLUMN role text;
