-- Completing a recurring task schedules the next one. It lives in the database
-- because tasks are completed from the app, the API and the mail gateway alike.

-- +goose Up
ALTER TABLE tasks ADD COLUMN previous_task_id bigint;

ALTER TABLE tasks
    ADD CONSTRAINT tasks_previous_task_id_fkey
        FOREIGN KEY (previous_task_id) REFERENCES tasks (id) ON DELETE SET NULL;

COMMENT ON COLUMN tasks.previous_task_id IS 'The occurrence whose completion created this one.';

-- Unique, so that done -> open -> done cannot schedule a second successor.
CREATE UNIQUE INDEX tasks_previous_task_id_key
    ON tasks (previous_task_id)
    WHERE previous_task_id IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION next_due_on(due_on date, every smallint, unit recurrence_unit) RETURNS date
    LANGUAGE plpgsql
    IMMUTABLE
    STRICT
AS $$
BEGIN
    -- Month arithmetic clips at the end of the month: 31 January + 1 month is in February.
    RETURN CASE unit
        WHEN 'day'   THEN due_on + every
        WHEN 'week'  THEN due_on + 7 * every
        WHEN 'month' THEN (due_on + make_interval(months => every))::date
        WHEN 'year'  THEN (due_on + make_interval(years => every))::date
    END;
END;
$$;
-- +goose StatementEnd

COMMENT ON FUNCTION next_due_on(date, smallint, recurrence_unit) IS 'The day a recurring task falls due next.';

-- +goose StatementBegin
CREATE FUNCTION schedule_next_task() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO tasks (
        household_id, contractor_id, assignee_id, title, notes,
        due_on, recurrence_every, recurrence_unit, previous_task_id
    )
    VALUES (
        NEW.household_id, NEW.contractor_id, NEW.assignee_id, NEW.title, NEW.notes,
        next_due_on(NEW.due_on, NEW.recurrence_every, NEW.recurrence_unit),
        NEW.recurrence_every, NEW.recurrence_unit, NEW.id
    )
    ON CONFLICT (previous_task_id) WHERE previous_task_id IS NOT NULL DO NOTHING;

    RETURN NULL;
END;
$$;
-- +goose StatementEnd

COMMENT ON FUNCTION schedule_next_task() IS 'AFTER UPDATE trigger: creates the next occurrence of a recurring task.';

CREATE TRIGGER tasks_schedule_next
    AFTER UPDATE OF status ON tasks
    FOR EACH ROW
    WHEN (NEW.status = 'done' AND OLD.status <> 'done' AND NEW.recurrence_unit IS NOT NULL)
    EXECUTE FUNCTION schedule_next_task();

-- +goose Down
DROP TRIGGER tasks_schedule_next ON tasks;
DROP FUNCTION schedule_next_task();
DROP FUNCTION next_due_on(date, smallint, recurrence_unit);
-- Takes its foreign key and index along.
ALTER TABLE tasks DROP COLUMN previous_task_id;
