-- +goose Up
CREATE TABLE users (id bigint PRIMARY KEY, email varchar(80), role text);

-- +goose Down
DROP TABLE users;
