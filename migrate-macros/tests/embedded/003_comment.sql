-- +goose ENVSUB ON
-- +goose Up
COMMENT ON TABLE rewritten IS '${COMMENT:-none}';
