-- The address book of a household: whom to call when something breaks.

-- +goose Up
-- Minor units as an integer: no rounding, and no dependence on lc_monetary.
CREATE DOMAIN amount_cents AS bigint
    CONSTRAINT amount_cents_not_negative CHECK (VALUE >= 0);

CREATE DOMAIN currency_code AS char(3)
    CONSTRAINT currency_code_format CHECK (VALUE ~ '^[A-Z]{3}$');

COMMENT ON DOMAIN amount_cents IS 'Non-negative amount in minor units; the currency stands next to it.';
COMMENT ON DOMAIN currency_code IS 'ISO 4217 code in capitals.';

CREATE TYPE contractor_trade AS ENUM (
    'plumbing',
    'electrical',
    'heating',
    'roofing',
    'gardening',
    'cleaning',
    'general'
);

CREATE TABLE contractors (
    id                bigint           GENERATED ALWAYS AS IDENTITY,
    household_id      uuid             NOT NULL,
    company_name      text             NOT NULL,
    trade             contractor_trade NOT NULL DEFAULT 'general',
    email             email_address,
    phone             text,
    hourly_rate_cents amount_cents,
    currency          currency_code,
    rating            smallint,
    notes             text             NOT NULL DEFAULT '',
    created_at        timestamptz      NOT NULL DEFAULT now(),
    updated_at        timestamptz      NOT NULL DEFAULT now(),
    archived_at       timestamptz,
    CONSTRAINT contractors_pkey PRIMARY KEY (id),
    CONSTRAINT contractors_household_id_fkey
        FOREIGN KEY (household_id) REFERENCES households (id) ON DELETE CASCADE,
    CONSTRAINT contractors_company_name_length CHECK (char_length(company_name) BETWEEN 1 AND 200),
    CONSTRAINT contractors_rating_range CHECK (rating BETWEEN 1 AND 5),
    -- An entry nobody can be reached through is of no use in an emergency.
    CONSTRAINT contractors_reachable CHECK (email IS NOT NULL OR phone IS NOT NULL),
    CONSTRAINT contractors_rate_has_currency CHECK ((hourly_rate_cents IS NULL) = (currency IS NULL))
);

COMMENT ON TABLE contractors IS 'Tradespeople and firms a household works with.';
COMMENT ON COLUMN contractors.archived_at IS 'Hidden from pickers; old tasks still point here.';

-- Also the index of the foreign key, as household_id leads.
CREATE UNIQUE INDEX contractors_household_company_key ON contractors (household_id, lower(company_name));

CREATE INDEX contractors_active_trade_idx
    ON contractors (household_id, trade)
    WHERE archived_at IS NULL;

CREATE TRIGGER contractors_set_updated_at
    BEFORE UPDATE ON contractors
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- +goose Down
DROP TABLE contractors;
DROP TYPE contractor_trade;
DROP DOMAIN currency_code;
DROP DOMAIN amount_cents;
