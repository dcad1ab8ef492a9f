-- Subscriptions, and the plans on sale on the first day of billing.

-- +goose Up
INSERT INTO plans (code, name, price_cents, currency, billing_interval, max_members, max_storage_bytes)
VALUES
    ('free',        'Free',             0, 'EUR', 'month', 2,    104857600),
    ('plus',        'Plus',           490, 'EUR', 'month', 6,    10737418240),
    ('plus_yearly', 'Plus (yearly)', 4900, 'EUR', 'year',  6,    10737418240),
    ('estate',      'Estate',        1490, 'EUR', 'month', NULL, NULL);

CREATE TYPE subscription_status AS ENUM ('trialing', 'active', 'past_due', 'cancelled');

CREATE TABLE subscriptions (
    id                   uuid                NOT NULL DEFAULT gen_random_uuid(),
    household_id         uuid                NOT NULL,
    plan_code            text                NOT NULL,
    status               subscription_status NOT NULL DEFAULT 'trialing',
    provider_ref         text,
    current_period_start timestamptz         NOT NULL,
    current_period_end   timestamptz         NOT NULL,
    cancelled_at         timestamptz,
    created_at           timestamptz         NOT NULL DEFAULT now(),
    updated_at           timestamptz         NOT NULL DEFAULT now(),
    CONSTRAINT subscriptions_pkey PRIMARY KEY (id),
    CONSTRAINT subscriptions_provider_ref_key UNIQUE (provider_ref),
    CONSTRAINT subscriptions_household_id_fkey
        FOREIGN KEY (household_id) REFERENCES households (id) ON DELETE CASCADE,
    CONSTRAINT subscriptions_plan_code_fkey
        FOREIGN KEY (plan_code) REFERENCES plans (code) ON DELETE RESTRICT,
    CONSTRAINT subscriptions_period_order CHECK (current_period_end > current_period_start),
    CONSTRAINT subscriptions_cancelled_at_matches_status
        CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL))
);

COMMENT ON TABLE subscriptions IS 'Billing history of a household; at most one row per household is live.';
COMMENT ON COLUMN subscriptions.provider_ref IS 'Identifier at the payment provider; NULL for the free plan.';

CREATE INDEX subscriptions_household_id_idx ON subscriptions (household_id);
CREATE INDEX subscriptions_plan_code_idx ON subscriptions (plan_code);

CREATE UNIQUE INDEX subscriptions_one_live_key
    ON subscriptions (household_id)
    WHERE status <> 'cancelled';

-- Read by the nightly renewal job.
CREATE INDEX subscriptions_renewal_idx
    ON subscriptions (current_period_end)
    WHERE status IN ('trialing', 'active');

CREATE TRIGGER subscriptions_set_updated_at
    BEFORE UPDATE ON subscriptions
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- +goose Down
DROP TABLE subscriptions;
DROP TYPE subscription_status;
-- Only the seeds; a plan somebody added by hand stays.
DELETE FROM plans WHERE code IN ('free', 'plus', 'plus_yearly', 'estate');
