-- A household is the tenant: nearly every row below belongs to exactly one.

-- +goose Up
CREATE TYPE household_role AS ENUM ('owner', 'member', 'guest');

COMMENT ON TYPE household_role IS 'owner: billing and deletion, member: full use, guest: read only.';

CREATE TABLE households (
    id           uuid        NOT NULL DEFAULT gen_random_uuid(),
    name         text        NOT NULL,
    country_code char(2)     NOT NULL,
    built_year   smallint,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT households_pkey PRIMARY KEY (id),
    CONSTRAINT households_name_length CHECK (char_length(name) BETWEEN 1 AND 120),
    CONSTRAINT households_country_code_format CHECK (country_code ~ '^[A-Z]{2}$'),
    CONSTRAINT households_built_year_range CHECK (built_year BETWEEN 1200 AND 2200)
);

COMMENT ON TABLE households IS 'A home that is looked after; the tenant of the product.';

CREATE TRIGGER households_set_updated_at
    BEFORE UPDATE ON households
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE household_members (
    household_id uuid           NOT NULL,
    user_id      uuid           NOT NULL,
    role         household_role NOT NULL DEFAULT 'member',
    joined_at    timestamptz    NOT NULL DEFAULT now(),
    CONSTRAINT household_members_pkey PRIMARY KEY (household_id, user_id),
    CONSTRAINT household_members_household_id_fkey
        FOREIGN KEY (household_id) REFERENCES households (id) ON DELETE CASCADE,
    CONSTRAINT household_members_user_id_fkey
        FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

COMMENT ON TABLE household_members IS 'Who belongs to which household, and in which role.';

-- The primary key serves lookups by household; this one serves "my households".
CREATE INDEX household_members_user_id_idx ON household_members (user_id);

-- Billing needs one addressee, so at most one owner per household.
CREATE UNIQUE INDEX household_members_one_owner_key
    ON household_members (household_id)
    WHERE role = 'owner';

CREATE TABLE household_invitations (
    id           bigint         GENERATED ALWAYS AS IDENTITY,
    household_id uuid           NOT NULL,
    invited_by   uuid,
    email        email_address  NOT NULL,
    role         household_role NOT NULL DEFAULT 'member',
    token_hash   bytea          NOT NULL,
    created_at   timestamptz    NOT NULL DEFAULT now(),
    expires_at   timestamptz    NOT NULL DEFAULT now() + interval '14 days',
    accepted_at  timestamptz,
    CONSTRAINT household_invitations_pkey PRIMARY KEY (id),
    CONSTRAINT household_invitations_token_hash_key UNIQUE (token_hash),
    CONSTRAINT household_invitations_household_id_fkey
        FOREIGN KEY (household_id) REFERENCES households (id) ON DELETE CASCADE,
    CONSTRAINT household_invitations_invited_by_fkey
        FOREIGN KEY (invited_by) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT household_invitations_not_as_owner CHECK (role <> 'owner'),
    CONSTRAINT household_invitations_expiry_order CHECK (expires_at > created_at)
);

COMMENT ON TABLE household_invitations IS 'Open and accepted invitations by e-mail.';
COMMENT ON COLUMN household_invitations.token_hash IS 'SHA-256 of the mailed token; the token itself is never stored.';

CREATE INDEX household_invitations_invited_by_idx ON household_invitations (invited_by);

-- Inviting the same address twice should renew the first invitation.
CREATE UNIQUE INDEX household_invitations_pending_key
    ON household_invitations (household_id, email)
    WHERE accepted_at IS NULL;

-- +goose Down
DROP TABLE household_invitations;
DROP TABLE household_members;
DROP TABLE households;
DROP TYPE household_role;
