-- Accounts, plus the few building blocks every later table leans on.

-- +goose Up
-- citext makes e-mail lookups case-insensitive without lower() in every query.
CREATE EXTENSION IF NOT EXISTS citext;

-- Deliberately loose: it catches typos, the confirmation mail does the rest.
CREATE DOMAIN email_address AS citext
    CONSTRAINT email_address_format CHECK (VALUE::text ~ '^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:]]+$');

COMMENT ON DOMAIN email_address IS 'Case-insensitive e-mail address, checked for its rough shape only.';

-- +goose StatementBegin
CREATE FUNCTION set_updated_at() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END;
$$;
-- +goose StatementEnd

COMMENT ON FUNCTION set_updated_at() IS 'BEFORE UPDATE trigger: stamps updated_at.';

CREATE TABLE users (
    id             uuid          NOT NULL DEFAULT gen_random_uuid(),
    email          email_address NOT NULL,
    display_name   text          NOT NULL,
    locale         text          NOT NULL DEFAULT 'en',
    time_zone      text          NOT NULL DEFAULT 'UTC',
    created_at     timestamptz   NOT NULL DEFAULT now(),
    updated_at     timestamptz   NOT NULL DEFAULT now(),
    deactivated_at timestamptz,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_display_name_length CHECK (char_length(display_name) BETWEEN 1 AND 120)
);

COMMENT ON TABLE users IS 'People who can sign in. Deactivated accounts stay for history.';
COMMENT ON COLUMN users.time_zone IS 'IANA name; decides when "due today" starts for this user.';

-- Partial: an address is free again once its account is deactivated.
CREATE UNIQUE INDEX users_active_email_key ON users (email) WHERE deactivated_at IS NULL;

CREATE TRIGGER users_set_updated_at
    BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- +goose Down
DROP TABLE users;
DROP FUNCTION set_updated_at();
DROP DOMAIN email_address;
-- citext stays: it may have been there before this file, and others may use it.
