-- Who changed what. Partitioned by quarter, so that old quarters can be dropped
-- in an instant when their retention ends, instead of being deleted row by row.

-- +goose Up
CREATE TYPE audit_action AS ENUM ('insert', 'update', 'delete');

-- No foreign keys on purpose: the log has to outlive what it is about.
CREATE TABLE audit_log (
    id           uuid         NOT NULL DEFAULT gen_random_uuid(),
    occurred_at  timestamptz  NOT NULL DEFAULT now(),
    household_id uuid,
    actor_id     uuid,
    action       audit_action NOT NULL,
    table_name   text         NOT NULL,
    row_id       text         NOT NULL,
    old_row      jsonb,
    new_row      jsonb,
    -- A unique key of a partitioned table has to contain the partition key.
    CONSTRAINT audit_log_pkey PRIMARY KEY (id, occurred_at),
    CONSTRAINT audit_log_rows_match_action CHECK (
        (action = 'insert') = (old_row IS NULL) AND (action = 'delete') = (new_row IS NULL)
    )
) PARTITION BY RANGE (occurred_at);

COMMENT ON TABLE audit_log IS 'Changes to the rows that matter, one partition per quarter (UTC).';
COMMENT ON COLUMN audit_log.actor_id IS 'From the setting app.actor_id; NULL for jobs and migrations.';

-- Bounds carry their offset: without it they would follow the session time zone.
CREATE TABLE audit_log_2025q1 PARTITION OF audit_log
    FOR VALUES FROM ('2025-01-01 00:00:00+00') TO ('2025-04-01 00:00:00+00');

CREATE TABLE audit_log_2025q2 PARTITION OF audit_log
    FOR VALUES FROM ('2025-04-01 00:00:00+00') TO ('2025-07-01 00:00:00+00');

CREATE TABLE audit_log_2025q3 PARTITION OF audit_log
    FOR VALUES FROM ('2025-07-01 00:00:00+00') TO ('2025-10-01 00:00:00+00');

CREATE TABLE audit_log_2025q4 PARTITION OF audit_log
    FOR VALUES FROM ('2025-10-01 00:00:00+00') TO ('2026-01-01 00:00:00+00');

-- The safety net: a forgotten partition must not make every write fail.
CREATE TABLE audit_log_default PARTITION OF audit_log DEFAULT;

-- On the parent, hence on every partition, now and later. CONCURRENTLY is not
-- possible on a partitioned table, and not needed on an empty one.
CREATE INDEX audit_log_household_idx ON audit_log (household_id, occurred_at DESC);
CREATE INDEX audit_log_row_idx ON audit_log (table_name, row_id, occurred_at DESC);

-- +goose StatementBegin
CREATE FUNCTION write_audit_log() RETURNS trigger
    LANGUAGE plpgsql
AS $$
DECLARE
    old_row jsonb;
    new_row jsonb;
    subject jsonb;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        old_row := to_jsonb(OLD);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        new_row := to_jsonb(NEW);
    END IF;

    -- A save without a change only moves updated_at; that is noise.
    IF TG_OP = 'UPDATE' AND old_row - 'updated_at' = new_row - 'updated_at' THEN
        RETURN NULL;
    END IF;

    subject := coalesce(new_row, old_row);

    INSERT INTO audit_log (household_id, actor_id, action, table_name, row_id, old_row, new_row)
    VALUES (
        (subject ->> 'household_id')::uuid,
        nullif(current_setting('app.actor_id', true), '')::uuid,
        lower(TG_OP)::audit_action,
        TG_TABLE_NAME,
        subject ->> 'id',
        old_row,
        new_row
    );

    RETURN NULL;
END;
$$;
-- +goose StatementEnd

COMMENT ON FUNCTION write_audit_log() IS 'AFTER row trigger for tables with the columns id and household_id.';

CREATE TRIGGER contractors_audit
    AFTER INSERT OR UPDATE OR DELETE ON contractors
    FOR EACH ROW EXECUTE FUNCTION write_audit_log();

CREATE TRIGGER tasks_audit
    AFTER INSERT OR UPDATE OR DELETE ON tasks
    FOR EACH ROW EXECUTE FUNCTION write_audit_log();

CREATE TRIGGER subscriptions_audit
    AFTER INSERT OR UPDATE OR DELETE ON subscriptions
    FOR EACH ROW EXECUTE FUNCTION write_audit_log();

-- Documents are never edited by users, and a backfill should not flood the log.
CREATE TRIGGER documents_audit
    AFTER INSERT OR DELETE ON documents
    FOR EACH ROW EXECUTE FUNCTION write_audit_log();

-- +goose Down
DROP TRIGGER documents_audit ON documents;
DROP TRIGGER subscriptions_audit ON subscriptions;
DROP TRIGGER tasks_audit ON tasks;
DROP TRIGGER contractors_audit ON contractors;
DROP FUNCTION write_audit_log();
-- Takes its partitions along.
DROP TABLE audit_log;
DROP TYPE audit_action;
