-- Invoices, manuals and photos. The files are in object storage, the facts here.

-- +goose Up
CREATE TYPE document_kind AS ENUM ('invoice', 'manual', 'warranty', 'photo', 'other');

CREATE TABLE documents (
    id            bigint        GENERATED ALWAYS AS IDENTITY,
    household_id  uuid          NOT NULL,
    task_id       bigint,
    contractor_id bigint,
    uploaded_by   uuid,
    kind          document_kind NOT NULL DEFAULT 'other',
    file_name     text          NOT NULL,
    media_type    text          NOT NULL,
    storage_key   text          NOT NULL,
    uploaded_at   timestamptz   NOT NULL DEFAULT now(),
    size          bigint        NOT NULL,
    CONSTRAINT documents_pkey PRIMARY KEY (id),
    CONSTRAINT documents_storage_key_key UNIQUE (storage_key),
    CONSTRAINT documents_household_id_fkey
        FOREIGN KEY (household_id) REFERENCES households (id) ON DELETE CASCADE,
    -- A warranty outlives the task and the contractor it came from.
    CONSTRAINT documents_task_id_fkey
        FOREIGN KEY (task_id) REFERENCES tasks (id) ON DELETE SET NULL,
    CONSTRAINT documents_contractor_id_fkey
        FOREIGN KEY (contractor_id) REFERENCES contractors (id) ON DELETE SET NULL,
    CONSTRAINT documents_uploaded_by_fkey
        FOREIGN KEY (uploaded_by) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT documents_file_name_length CHECK (char_length(file_name) BETWEEN 1 AND 255),
    CONSTRAINT documents_media_type_format CHECK (media_type ~ '^[a-z]+/[a-z0-9.+-]+$'),
    CONSTRAINT documents_size_check CHECK (size >= 0)
);

COMMENT ON TABLE documents IS 'Files kept for a household. Rows are written once and not edited.';
COMMENT ON COLUMN documents.storage_key IS 'Key in the object store; random, so it gives nothing away.';

CREATE INDEX documents_household_id_idx ON documents (household_id);
CREATE INDEX documents_uploaded_by_idx ON documents (uploaded_by);

-- Most documents belong to neither, so the NULLs are left out.
CREATE INDEX documents_task_id_idx ON documents (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX documents_contractor_id_idx ON documents (contractor_id) WHERE contractor_id IS NOT NULL;

-- +goose Down
DROP TABLE documents;
DROP TYPE document_kind;
