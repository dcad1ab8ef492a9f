-- +goose Up
ALTER TABLE usres ADD COLUMN phone text;

-- +goose Down
ALTER TABLE users DROP COLUMN phone;
