-- Text messages as a third channel, for users who left us a number.

-- +goose Up
SET LOCAL lock_timeout = '5s';

-- Allowed inside a transaction, as long as nothing here uses the value yet.
ALTER TYPE notification_channel ADD VALUE 'sms';

CREATE DOMAIN phone_number AS text
    CONSTRAINT phone_number_format CHECK (VALUE ~ '^\+[1-9][0-9]{6,14}$');

COMMENT ON DOMAIN phone_number IS 'E.164, e.g. +4930000000.';

ALTER TABLE users ADD COLUMN phone_number phone_number;

COMMENT ON COLUMN users.phone_number IS 'Where text messages go; NULL means the sms channel is not offered.';

-- +goose Down
SET LOCAL lock_timeout = '5s';

ALTER TABLE users DROP COLUMN phone_number;
DROP DOMAIN phone_number;

-- An enum value cannot be removed, so the type is built anew without it.
-- Rows for the channel could not exist before this version, and have to go.
DELETE FROM notification_preferences WHERE channel = 'sms';
DELETE FROM notifications WHERE channel = 'sms';

ALTER TYPE notification_channel RENAME TO notification_channel_with_sms;
CREATE TYPE notification_channel AS ENUM ('email', 'push');
COMMENT ON TYPE notification_channel IS 'Ways to reach a user.';

ALTER TABLE notifications
    ALTER COLUMN channel TYPE notification_channel USING channel::text::notification_channel;

-- A default is of the old type and has no cast to the new one.
ALTER TABLE notification_preferences
    ALTER COLUMN channel DROP DEFAULT,
    ALTER COLUMN channel TYPE notification_channel USING channel::text::notification_channel,
    ALTER COLUMN channel SET DEFAULT 'email';

DROP TYPE notification_channel_with_sms;
