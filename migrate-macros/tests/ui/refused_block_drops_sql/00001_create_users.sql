-- +goose Up
-- +goose StatementBegin
-- +goose StatementEnd
CREATE TABLE users (id bigint);
