-- Rename documents.size to size_bytes, step 4 of 4: contract.
-- To be deployed once no running release reads or writes "size" any more.

-- +goose Up
SET LOCAL lock_timeout = '5s';

-- The validated check spares SET NOT NULL its scan of the table; then it is spent.
ALTER TABLE documents ALTER COLUMN size_bytes SET NOT NULL;
ALTER TABLE documents DROP CONSTRAINT documents_size_bytes_present;

DROP TRIGGER documents_sync_size ON documents;
DROP FUNCTION documents_sync_size();
-- Takes documents_size_check along.
ALTER TABLE documents DROP COLUMN size;

-- +goose Down
SET LOCAL lock_timeout = '5s';

-- A column added now would stand behind size_bytes, where it never was. So the
-- present column takes its old name back, and size_bytes is the one added anew.
-- NOT NULL is dropped first because its name (PostgreSQL 18) would not follow.
ALTER TABLE documents DROP CONSTRAINT documents_size_bytes_check;
ALTER TABLE documents ALTER COLUMN size_bytes DROP NOT NULL;
ALTER TABLE documents RENAME COLUMN size_bytes TO size;
ALTER TABLE documents ADD COLUMN size_bytes bigint;

UPDATE documents SET size_bytes = size;

ALTER TABLE documents
    ALTER COLUMN size SET NOT NULL,
    ADD CONSTRAINT documents_size_check CHECK (size >= 0),
    ADD CONSTRAINT documents_size_bytes_check CHECK (size_bytes >= 0),
    ADD CONSTRAINT documents_size_bytes_present CHECK (size_bytes IS NOT NULL);

COMMENT ON COLUMN documents.size IS 'Deprecated, being replaced by size_bytes.';
COMMENT ON COLUMN documents.size_bytes IS 'Size of the stored file in bytes.';

-- +goose StatementBegin
CREATE FUNCTION documents_sync_size() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        -- Whichever name the release wrote to wins, the new one if both.
        IF NEW.size_bytes IS DISTINCT FROM OLD.size_bytes THEN
            NEW.size := NEW.size_bytes;
        ELSIF NEW.size IS DISTINCT FROM OLD.size THEN
            NEW.size_bytes := NEW.size;
        END IF;
    END IF;

    -- Inserts by either release, and rows the backfill has not reached yet.
    NEW.size_bytes := coalesce(NEW.size_bytes, NEW.size);
    NEW.size := NEW.size_bytes;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd

COMMENT ON FUNCTION documents_sync_size() IS 'Keeps documents.size and size_bytes equal while both exist.';

CREATE TRIGGER documents_sync_size
    BEFORE INSERT OR UPDATE ON documents
    FOR EACH ROW EXECUTE FUNCTION documents_sync_size();
