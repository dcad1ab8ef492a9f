-- Next year's audit partitions, and a function so that a job can add the rest.

-- +goose Up
SET LOCAL lock_timeout = '5s';

-- Rows of a quarter nobody prepared are in the default partition, and PostgreSQL
-- refuses a new partition while they are there. So they move first.
-- +goose StatementBegin
CREATE FUNCTION create_audit_log_partition(quarter_start date) RETURNS text
    LANGUAGE plpgsql
AS $$
DECLARE
    partition_name text := 'audit_log_' || to_char(quarter_start::timestamp, 'YYYY"q"Q');
    range_from timestamptz := quarter_start::timestamp AT TIME ZONE 'UTC';
    range_to timestamptz := (quarter_start + interval '3 months') AT TIME ZONE 'UTC';
BEGIN
    IF quarter_start <> date_trunc('quarter', quarter_start::timestamp)::date THEN
        RAISE EXCEPTION '% is not the first day of a quarter', quarter_start;
    END IF;

    -- Between the move and ATTACH nobody may add to the default partition.
    LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE;

    -- ATTACH creates the indexes.
    EXECUTE format(
        'CREATE TABLE %I (LIKE audit_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
        partition_name
    );
    EXECUTE format(
        'WITH moved AS (
             DELETE FROM audit_log_default WHERE occurred_at >= $1 AND occurred_at < $2 RETURNING *
         )
         INSERT INTO %I SELECT * FROM moved',
        partition_name
    ) USING range_from, range_to;
    EXECUTE format(
        'ALTER TABLE audit_log ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        partition_name, range_from, range_to
    );

    RETURN partition_name;
END;
$$;
-- +goose StatementEnd

COMMENT ON FUNCTION create_audit_log_partition(date) IS 'Adds the partition of one quarter (UTC) to audit_log, taking its rows out of the default partition.';

SELECT create_audit_log_partition('2026-01-01');
SELECT create_audit_log_partition('2026-04-01');
SELECT create_audit_log_partition('2026-07-01');
SELECT create_audit_log_partition('2026-10-01');

-- +goose Down
SET LOCAL lock_timeout = '5s';

-- Detached and re-inserted, the rows end up in the default partition again.
-- +goose StatementBegin
DO $$
DECLARE
    partition_name text;
BEGIN
    FOREACH partition_name IN ARRAY ARRAY[
        'audit_log_2026q1', 'audit_log_2026q2', 'audit_log_2026q3', 'audit_log_2026q4'
    ]
    LOOP
        EXECUTE format('ALTER TABLE audit_log DETACH PARTITION %I', partition_name);
        EXECUTE format('INSERT INTO audit_log SELECT * FROM %I', partition_name);
        EXECUTE format('DROP TABLE %I', partition_name);
    END LOOP;
END;
$$;
-- +goose StatementEnd

DROP FUNCTION create_audit_log_partition(date);
