-- What the dashboard reads: one live view, and one precomputed for the charts.

-- +goose Up
CREATE VIEW household_task_overview AS
SELECT
    h.id AS household_id,
    count(t.id) FILTER (WHERE t.status IN ('open', 'in_progress')) AS open_tasks,
    count(t.id) FILTER (
        WHERE t.status IN ('open', 'in_progress') AND t.due_on < CURRENT_DATE
    ) AS overdue_tasks,
    min(t.due_on) FILTER (WHERE t.status IN ('open', 'in_progress')) AS next_due_on,
    max(t.completed_at) AS last_completed_at
FROM households AS h
LEFT JOIN tasks AS t ON t.household_id = h.id
GROUP BY h.id;

COMMENT ON VIEW household_task_overview IS 'Live task counts, one row per household.';

-- Past months hardly ever change, so an hourly refresh is fresh enough.
CREATE MATERIALIZED VIEW household_monthly_stats AS
SELECT
    t.household_id,
    date_trunc('month', t.completed_at AT TIME ZONE 'UTC')::date AS month,
    count(*) AS completed_tasks,
    count(*) FILTER (WHERE t.contractor_id IS NOT NULL) AS contracted_tasks,
    coalesce(sum(t.cost_cents::bigint), 0) AS total_cost_cents
FROM tasks AS t
WHERE t.status = 'done'
GROUP BY t.household_id, date_trunc('month', t.completed_at AT TIME ZONE 'UTC')::date;

COMMENT ON MATERIALIZED VIEW household_monthly_stats IS 'Completed work and its cost by month (UTC); refreshed hourly, concurrently.';

-- REFRESH ... CONCURRENTLY needs a unique index over all rows.
CREATE UNIQUE INDEX household_monthly_stats_key ON household_monthly_stats (household_id, month);

-- +goose Down
DROP MATERIALIZED VIEW household_monthly_stats;
DROP VIEW household_task_overview;
