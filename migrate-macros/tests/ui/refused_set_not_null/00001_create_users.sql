-- +goose Up
CREATE TABLE users (id bigint PRIMARY KEY, email varchar(80), role text);
CREATE TABLE plans (id bigint PRIMARY KEY, owner bigint);

-- +goose Down
DROP TABLE plans;
DROP TABLE users;
