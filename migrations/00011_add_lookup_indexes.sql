-- Indexes the slow query log asked for. The tables are busy by now, therefore
-- CONCURRENTLY, which cannot run inside a transaction.
--
-- A build that fails leaves an INVALID index behind, and IF NOT EXISTS would
-- take it for a good one. Dropping first makes this file safe to run again.

-- +goose NO TRANSACTION
-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS tasks_assignee_open_idx;
CREATE INDEX CONCURRENTLY tasks_assignee_open_idx
    ON tasks (assignee_id, due_on)
    WHERE status IN ('open', 'in_progress');

-- 'simple' and not a language: households write in many.
DROP INDEX CONCURRENTLY IF EXISTS tasks_search_idx;
CREATE INDEX CONCURRENTLY tasks_search_idx
    ON tasks USING gin (to_tsvector('simple'::regconfig, title || ' ' || notes));

DROP INDEX CONCURRENTLY IF EXISTS documents_household_kind_idx;
CREATE INDEX CONCURRENTLY documents_household_kind_idx
    ON documents (household_id, kind, uploaded_at DESC);

DROP INDEX CONCURRENTLY IF EXISTS notifications_unread_idx;
CREATE INDEX CONCURRENTLY notifications_unread_idx
    ON notifications (user_id, sent_at DESC)
    WHERE read_at IS NULL AND sent_at IS NOT NULL;

-- +goose Down
-- IF EXISTS for the same reason: a Down that broke off half-way can be repeated.
DROP INDEX CONCURRENTLY IF EXISTS notifications_unread_idx;
DROP INDEX CONCURRENTLY IF EXISTS documents_household_kind_idx;
DROP INDEX CONCURRENTLY IF EXISTS tasks_search_idx;
DROP INDEX CONCURRENTLY IF EXISTS tasks_assignee_open_idx;
