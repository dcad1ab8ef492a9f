-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY rewritten_id ON rewritten (id);
