-- +goose Up
CREATE TYPE mood AS ENUM ('ok');
CREATE TABLE days (mood mood);

-- +goose Down
DROP TABLE days;
DROP TYPE mood;
