-- +goose ENVSUB ON
-- +goose Up
SELECT '${TENANT:+3}';
