-- +goose Up
ALTER TYPE e ADD VALUE (PG<=11);
