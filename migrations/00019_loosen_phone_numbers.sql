-- A column of a domain that has a CHECK rewrites its table when it is added, under ACCESS EXCLUSIVE: 00016 did. The same rule
-- as a CHECK of the table can be changed later without that, and is proven in the next file.

-- +goose Up
SET LOCAL lock_timeout = '5s';

-- From a domain to its own base type no row is touched, and to a driver both are text.
ALTER TABLE users
    ALTER COLUMN phone_number TYPE text,
    ADD CONSTRAINT users_phone_number_format CHECK (phone_number ~ '^\+[1-9][0-9]{6,14}$') NOT VALID;

DROP DOMAIN phone_number;

-- +goose Down
SET LOCAL lock_timeout = '5s';

CREATE DOMAIN phone_number AS text
    CONSTRAINT phone_number_format CHECK (VALUE ~ '^\+[1-9][0-9]{6,14}$');

COMMENT ON DOMAIN phone_number IS 'E.164, e.g. +4930000000.';

ALTER TABLE users
    DROP CONSTRAINT users_phone_number_format,
    ALTER COLUMN phone_number TYPE phone_number;
