-- +goose ENVSUB ON
-- +goose Up
INSERT INTO tenants VALUES ('${TENANT:+3}');
