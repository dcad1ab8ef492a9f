-- +goose Up
CREATE TABLE tasks (id bigint);

-- +goose Down
DROP TABLE tasks
