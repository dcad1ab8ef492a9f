-- +goose Up
CREATE TABLE notes (body text);
INSERT INTO notes (body) VALUES ('first line;
second line');

-- +goose Down
DROP TABLE notes;
