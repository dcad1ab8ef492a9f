-- Tasks are the heart of the product. Recurrence rules are stored already; the
-- logic that acts on them follows in the next version.

-- +goose Up
CREATE TYPE task_status AS ENUM ('open', 'in_progress', 'done', 'cancelled');

CREATE TYPE recurrence_unit AS ENUM ('day', 'week', 'month', 'year');

CREATE TABLE tasks (
    id               bigint      GENERATED ALWAYS AS IDENTITY,
    household_id     uuid        NOT NULL,
    contractor_id    bigint,
    assignee_id      uuid,
    title            text        NOT NULL,
    notes            text        NOT NULL DEFAULT '',
    status           task_status NOT NULL DEFAULT 'open',
    due_on           date,
    recurrence_every smallint,
    recurrence_unit  recurrence_unit,
    cost_cents       amount_cents,
    completed_at     timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tasks_pkey PRIMARY KEY (id),
    CONSTRAINT tasks_household_id_fkey
        FOREIGN KEY (household_id) REFERENCES households (id) ON DELETE CASCADE,
    CONSTRAINT tasks_contractor_id_fkey
        FOREIGN KEY (contractor_id) REFERENCES contractors (id) ON DELETE SET NULL,
    CONSTRAINT tasks_assignee_id_fkey
        FOREIGN KEY (assignee_id) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT tasks_title_length CHECK (char_length(title) BETWEEN 1 AND 200),
    CONSTRAINT tasks_completed_at_matches_status CHECK ((status = 'done') = (completed_at IS NOT NULL)),
    CONSTRAINT tasks_recurrence_complete CHECK ((recurrence_every IS NULL) = (recurrence_unit IS NULL)),
    CONSTRAINT tasks_recurrence_every_range CHECK (recurrence_every BETWEEN 1 AND 366),
    -- A rule without a date has nothing to count from.
    CONSTRAINT tasks_recurrence_needs_due_on CHECK (recurrence_unit IS NULL OR due_on IS NOT NULL)
);

COMMENT ON TABLE tasks IS 'One occurrence of a piece of maintenance work.';
COMMENT ON COLUMN tasks.due_on IS 'A calendar day in the household, hence a date and not a timestamp.';
COMMENT ON COLUMN tasks.recurrence_every IS 'With recurrence_unit: repeat every N units after due_on.';

CREATE INDEX tasks_household_id_idx ON tasks (household_id);
CREATE INDEX tasks_contractor_id_idx ON tasks (contractor_id);
CREATE INDEX tasks_assignee_id_idx ON tasks (assignee_id);

-- The home screen only ever asks for unfinished work, a small part of the table.
CREATE INDEX tasks_household_due_idx
    ON tasks (household_id, due_on)
    WHERE status IN ('open', 'in_progress');

CREATE TRIGGER tasks_set_updated_at
    BEFORE UPDATE ON tasks
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- +goose Down
DROP TABLE tasks;
DROP TYPE recurrence_unit;
DROP TYPE task_status;
