-- +goose Up
ALTER TABLE users ALTER COLUMN email TYPE varchar(40);

-- +goose Down
ALTER TABLE users ALTER COLUMN email TYPE varchar(80);
