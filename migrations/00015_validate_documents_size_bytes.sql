-- Rename documents.size to size_bytes, step 3 of 4: validate.
-- A version of its own, after the backfill has been watched for some days.

-- +goose Up
-- Scans the table, but reads and writes go on meanwhile (SHARE UPDATE EXCLUSIVE).
ALTER TABLE documents VALIDATE CONSTRAINT documents_size_bytes_check;
ALTER TABLE documents VALIDATE CONSTRAINT documents_size_bytes_present;

-- +goose Down
SET LOCAL lock_timeout = '5s';

-- A constraint cannot be made NOT VALID again, only replaced.
ALTER TABLE documents
    DROP CONSTRAINT documents_size_bytes_present,
    DROP CONSTRAINT documents_size_bytes_check;
ALTER TABLE documents
    ADD CONSTRAINT documents_size_bytes_check CHECK (size_bytes >= 0) NOT VALID,
    ADD CONSTRAINT documents_size_bytes_present CHECK (size_bytes IS NOT NULL) NOT VALID;
