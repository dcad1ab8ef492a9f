-- Every row that 00016 let in has the form, so this only reads: writers go on meanwhile.

-- +goose Up
SET LOCAL lock_timeout = '5s';

ALTER TABLE users VALIDATE CONSTRAINT users_phone_number_format;

-- +goose Down
SET LOCAL lock_timeout = '5s';

ALTER TABLE users
    DROP CONSTRAINT users_phone_number_format,
    ADD CONSTRAINT users_phone_number_format CHECK (phone_number ~ '^\+[1-9][0-9]{6,14}$') NOT VALID;
