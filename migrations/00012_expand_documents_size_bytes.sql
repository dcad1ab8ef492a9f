-- Rename documents.size to size_bytes, step 1 of 4: expand.
-- "size" was read as kilobytes once too often. Old and new releases run side by
-- side during a deploy, so both names have to work until the last step:
--   00012 expand, 00013 backfill, 00015 validate, 00018 contract.

-- +goose Up
-- Better to fail and try again than to queue all traffic behind our lock.
SET LOCAL lock_timeout = '5s';

-- Nullable and without a default: a change of the catalogue only, no rewrite.
ALTER TABLE documents ADD COLUMN size_bytes bigint;

ALTER TABLE documents
    ADD CONSTRAINT documents_size_bytes_check CHECK (size_bytes >= 0) NOT VALID;

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

-- +goose Down
SET LOCAL lock_timeout = '5s';

-- The trigger kept size up to date all along; nothing to copy back.
DROP TRIGGER documents_sync_size ON documents;
DROP FUNCTION documents_sync_size();
-- Takes documents_size_bytes_check along.
ALTER TABLE documents DROP COLUMN size_bytes;
COMMENT ON COLUMN documents.size IS NULL;
