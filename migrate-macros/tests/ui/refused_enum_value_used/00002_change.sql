-- +goose Up
ALTER TYPE mood ADD VALUE 'great';
UPDATE days SET mood = 'great' WHERE mood IS NULL;

-- +goose Down
SELECT 'enum values stay';
