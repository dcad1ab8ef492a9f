-- Rename documents.size to size_bytes, step 2 of 4: backfill.
-- In batches with a COMMIT after each, so that no row stays locked for long and
-- vacuum can keep up. COMMIT inside DO is only allowed outside a transaction.
-- Safe to run again: rows which are filled already are skipped.

-- +goose NO TRANSACTION
-- +goose Up
-- +goose StatementBegin
DO $$
DECLARE
    batch_size CONSTANT integer := 1000;
    from_id bigint := 0;
    to_id bigint;
BEGIN
    LOOP
        -- Walk the primary key; searching for NULLs would rescan the done part.
        SELECT max(batch.id) INTO to_id
        FROM (
            SELECT id FROM documents WHERE id > from_id ORDER BY id LIMIT batch_size
        ) AS batch;

        EXIT WHEN to_id IS NULL;

        UPDATE documents
        SET size_bytes = size
        WHERE id > from_id AND id <= to_id AND size_bytes IS NULL;

        COMMIT;
        from_id := to_id;
    END LOOP;
END;
$$;
-- +goose StatementEnd

-- From here on no row can go back to NULL. NOT VALID skips the scan of the whole
-- table under an exclusive lock; 00015 makes up for it under a weaker one.
ALTER TABLE documents DROP CONSTRAINT IF EXISTS documents_size_bytes_present;
ALTER TABLE documents
    ADD CONSTRAINT documents_size_bytes_present CHECK (size_bytes IS NOT NULL) NOT VALID;

-- +goose Down
-- The values may stay: they equal size, and the next Down drops their column.
ALTER TABLE documents DROP CONSTRAINT IF EXISTS documents_size_bytes_present;
