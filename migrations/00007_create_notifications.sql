-- An outbox: the application inserts, a worker sends and stamps sent_at.

-- +goose Up
CREATE TYPE notification_channel AS ENUM ('email', 'push');

COMMENT ON TYPE notification_channel IS 'Ways to reach a user.';

CREATE TABLE notifications (
    id             bigint               GENERATED ALWAYS AS IDENTITY,
    user_id        uuid                 NOT NULL,
    task_id        bigint,
    channel        notification_channel NOT NULL,
    template       text                 NOT NULL,
    payload        jsonb                NOT NULL DEFAULT '{}',
    dedupe_key     text,
    scheduled_for  timestamptz          NOT NULL DEFAULT now(),
    attempts       smallint             NOT NULL DEFAULT 0,
    sent_at        timestamptz,
    read_at        timestamptz,
    created_at     timestamptz          NOT NULL DEFAULT now(),
    CONSTRAINT notifications_pkey PRIMARY KEY (id),
    CONSTRAINT notifications_user_id_fkey
        FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    -- A reminder for a task that is gone should not be sent.
    CONSTRAINT notifications_task_id_fkey
        FOREIGN KEY (task_id) REFERENCES tasks (id) ON DELETE CASCADE,
    CONSTRAINT notifications_payload_is_object CHECK (jsonb_typeof(payload) = 'object'),
    CONSTRAINT notifications_attempts_range CHECK (attempts BETWEEN 0 AND 20),
    CONSTRAINT notifications_read_after_sent CHECK (read_at IS NULL OR sent_at IS NOT NULL)
);

COMMENT ON TABLE notifications IS 'Outbox of messages to users.';
COMMENT ON COLUMN notifications.dedupe_key IS 'Set by jobs which may run twice, e.g. "task-due:42:2025-03-01".';

CREATE INDEX notifications_user_id_idx ON notifications (user_id);
CREATE INDEX notifications_task_id_idx ON notifications (task_id) WHERE task_id IS NOT NULL;

CREATE UNIQUE INDEX notifications_dedupe_key
    ON notifications (user_id, channel, dedupe_key)
    WHERE dedupe_key IS NOT NULL;

-- The worker's queue: stays tiny however large the table grows.
CREATE INDEX notifications_unsent_idx ON notifications (scheduled_for) WHERE sent_at IS NULL;

CREATE TABLE notification_preferences (
    user_id     uuid                 NOT NULL,
    channel     notification_channel NOT NULL DEFAULT 'email',
    enabled     boolean              NOT NULL DEFAULT true,
    quiet_from  time,
    quiet_until time,
    CONSTRAINT notification_preferences_pkey PRIMARY KEY (user_id, channel),
    CONSTRAINT notification_preferences_user_id_fkey
        FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT notification_preferences_quiet_complete CHECK ((quiet_from IS NULL) = (quiet_until IS NULL))
);

COMMENT ON TABLE notification_preferences IS 'Opt-outs and quiet hours; a missing row means the defaults.';
COMMENT ON COLUMN notification_preferences.quiet_from IS 'Local time of the user; may be later than quiet_until (over midnight).';

-- +goose Down
DROP TABLE notification_preferences;
DROP TABLE notifications;
DROP TYPE notification_channel;
