-- +goose Up
-- +goose StatementBegn
CREATE FUNCTION one() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$;
-- +goose StatementEnd
