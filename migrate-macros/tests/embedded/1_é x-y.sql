-- +goose Up
CREATE TABLE rewritten (
-- +goose ENVSUB OFF
    id bigint
);
-- +goose Down
DROP TABLE rewritten;
