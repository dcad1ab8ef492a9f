-- The catalogue of plans. Kept apart from subscriptions, which follow next.

-- +goose Up
CREATE TYPE billing_interval AS ENUM ('month', 'year');

CREATE TABLE plans (
    code              text             NOT NULL,
    name              text             NOT NULL,
    price_cents       amount_cents     NOT NULL,
    currency          currency_code    NOT NULL,
    billing_interval  billing_interval NOT NULL DEFAULT 'month',
    max_members       smallint,
    max_storage_bytes bigint,
    is_available      boolean          NOT NULL DEFAULT true,
    created_at        timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT plans_pkey PRIMARY KEY (code),
    CONSTRAINT plans_code_format CHECK (code ~ '^[a-z][a-z0-9_]*$'),
    CONSTRAINT plans_max_members_positive CHECK (max_members > 0),
    CONSTRAINT plans_max_storage_bytes_positive CHECK (max_storage_bytes > 0)
);

COMMENT ON TABLE plans IS 'What can be subscribed to. Plans are withdrawn (is_available), never deleted.';
COMMENT ON COLUMN plans.max_members IS 'NULL means no limit; the same for max_storage_bytes.';

-- +goose Down
DROP TABLE plans;
DROP TYPE billing_interval;
