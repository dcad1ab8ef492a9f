-- +goose ENVSUB ON
-- +goose Up
CREATE ROLE app PASSWORD '${APP_PASSWORD:=secret}';
