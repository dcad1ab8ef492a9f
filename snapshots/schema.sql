SET check_function_bodies = off;

CREATE SCHEMA IF NOT EXISTS public;

CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;

CREATE DOMAIN public.amount_cents AS bigint;

ALTER DOMAIN public.amount_cents ADD CONSTRAINT amount_cents_not_negative CHECK ((VALUE >= 0));

CREATE TYPE public.audit_action AS ENUM (
    'insert',
    'update',
    'delete'
);

CREATE TYPE public.billing_interval AS ENUM (
    'month',
    'year'
);

CREATE TYPE public.contractor_trade AS ENUM (
    'plumbing',
    'electrical',
    'heating',
    'roofing',
    'gardening',
    'cleaning',
    'general'
);

CREATE DOMAIN public.currency_code AS character(3);

ALTER DOMAIN public.currency_code ADD CONSTRAINT currency_code_format CHECK ((VALUE ~ '^[A-Z]{3}$'::text));

CREATE TYPE public.document_kind AS ENUM (
    'invoice',
    'manual',
    'warranty',
    'photo',
    'other'
);

CREATE DOMAIN public.email_address AS public.citext;

ALTER DOMAIN public.email_address ADD CONSTRAINT email_address_format CHECK (((VALUE)::text ~ '^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:]]+$'::text));

CREATE TYPE public.household_role AS ENUM (
    'owner',
    'member',
    'guest'
);

CREATE TYPE public.notification_channel AS ENUM (
    'email',
    'push',
    'sms'
);

CREATE TYPE public.recurrence_unit AS ENUM (
    'day',
    'week',
    'month',
    'year'
);

CREATE TYPE public.subscription_status AS ENUM (
    'trialing',
    'active',
    'past_due',
    'cancelled'
);

CREATE TYPE public.task_status AS ENUM (
    'open',
    'in_progress',
    'done',
    'cancelled'
);

CREATE OR REPLACE FUNCTION public.create_audit_log_partition(quarter_start date)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION public.next_due_on(due_on date, every smallint, unit public.recurrence_unit)
 RETURNS date
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
BEGIN
    -- Month arithmetic clips at the end of the month: 31 January + 1 month is in February.
    RETURN CASE unit
        WHEN 'day'   THEN due_on + every
        WHEN 'week'  THEN due_on + 7 * every
        WHEN 'month' THEN (due_on + make_interval(months => every))::date
        WHEN 'year'  THEN (due_on + make_interval(years => every))::date
    END;
END;
$function$;

CREATE OR REPLACE FUNCTION public.schedule_next_task()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION public.set_updated_at()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END;
$function$;

CREATE OR REPLACE FUNCTION public.write_audit_log()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    old_row jsonb;
    new_row jsonb;
    subject jsonb;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        old_row := to_jsonb(OLD);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        new_row := to_jsonb(NEW);
    END IF;

    -- A save without a change only moves updated_at; that is noise.
    IF TG_OP = 'UPDATE' AND old_row - 'updated_at' = new_row - 'updated_at' THEN
        RETURN NULL;
    END IF;

    subject := coalesce(new_row, old_row);

    INSERT INTO audit_log (household_id, actor_id, action, table_name, row_id, old_row, new_row)
    VALUES (
        (subject ->> 'household_id')::uuid,
        nullif(current_setting('app.actor_id', true), '')::uuid,
        lower(TG_OP)::audit_action,
        TG_TABLE_NAME,
        subject ->> 'id',
        old_row,
        new_row
    );

    RETURN NULL;
END;
$function$;

CREATE TABLE public.audit_log (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    occurred_at timestamp with time zone DEFAULT now() NOT NULL,
    household_id uuid,
    actor_id uuid,
    action public.audit_action NOT NULL,
    table_name text NOT NULL,
    row_id text NOT NULL,
    old_row jsonb,
    new_row jsonb,
    CONSTRAINT audit_log_pkey PRIMARY KEY (id, occurred_at),
    CONSTRAINT audit_log_rows_match_action CHECK ((((action = 'insert'::public.audit_action) = (old_row IS NULL)) AND ((action = 'delete'::public.audit_action) = (new_row IS NULL))))
) PARTITION BY RANGE (occurred_at);

CREATE TABLE public.audit_log_2025q1 (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    occurred_at timestamp with time zone DEFAULT now() NOT NULL,
    household_id uuid,
    actor_id uuid,
    action public.audit_action NOT NULL,
    table_name text NOT NULL,
    row_id text NOT NULL,
    old_row jsonb,
    new_row jsonb,
    CONSTRAINT audit_log_2025q1_pkey PRIMARY KEY (id, occurred_at),
    CONSTRAINT audit_log_rows_match_action CHECK ((((action = 'insert'::public.audit_action) = (old_row IS NULL)) AND ((action = 'delete'::public.audit_action) = (new_row IS NULL))))
);

CREATE TABLE public.audit_log_2025q2 (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    occurred_at timestamp with time zone DEFAULT now() NOT NULL,
    household_id uuid,
    actor_id uuid,
    action public.audit_action NOT NULL,
    table_name text NOT NULL,
    row_id text NOT NULL,
    old_row jsonb,
    new_row jsonb,
    CONSTRAINT audit_log_2025q2_pkey PRIMARY KEY (id, occurred_at),
    CONSTRAINT audit_log_rows_match_action CHECK ((((action = 'insert'::public.audit_action) = (old_row IS NULL)) AND ((action = 'delete'::public.audit_action) = (new_row IS NULL))))
);

CREATE TABLE public.audit_log_2025q3 (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    occurred_at timestamp with time zone DEFAULT now() NOT NULL,
    household_id uuid,
    actor_id uuid,
    action public.audit_action NOT NULL,
    table_name text NOT NULL,
    row_id text NOT NULL,
    old_row jsonb,
    new_row jsonb,
    CONSTRAINT audit_log_2025q3_pkey PRIMARY KEY (id, occurred_at),
    CONSTRAINT audit_log_rows_match_action CHECK ((((action = 'insert'::public.audit_action) = (old_row IS NULL)) AND ((action = 'delete'::public.audit_action) = (new_row IS NULL))))
);

CREATE TABLE public.audit_log_2025q4 (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    occurred_at timestamp with time zone DEFAULT now() NOT NULL,
    household_id uuid,
    actor_id uuid,
    action public.audit_action NOT NULL,
    table_name text NOT NULL,
    row_id text NOT NULL,
    old_row jsonb,
    new_row jsonb,
    CONSTRAINT audit_log_2025q4_pkey PRIMARY KEY (id, occurred_at),
    CONSTRAINT audit_log_rows_match_action CHECK ((((action = 'insert'::public.audit_action) = (old_row IS NULL)) AND ((action = 'delete'::public.audit_action) = (new_row IS NULL))))
);

CREATE TABLE public.audit_log_2026q1 (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    occurred_at timestamp with time zone DEFAULT now() NOT NULL,
    household_id uuid,
    actor_id uuid,
    action public.audit_action NOT NULL,
    table_name text NOT NULL,
    row_id text NOT NULL,
    old_row jsonb,
    new_row jsonb,
    CONSTRAINT audit_log_2026q1_pkey PRIMARY KEY (id, occurred_at),
    CONSTRAINT audit_log_rows_match_action CHECK ((((action = 'insert'::public.audit_action) = (old_row IS NULL)) AND ((action = 'delete'::public.audit_action) = (new_row IS NULL))))
);

CREATE TABLE public.audit_log_2026q2 (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    occurred_at timestamp with time zone DEFAULT now() NOT NULL,
    household_id uuid,
    actor_id uuid,
    action public.audit_action NOT NULL,
    table_name text NOT NULL,
    row_id text NOT NULL,
    old_row jsonb,
    new_row jsonb,
    CONSTRAINT audit_log_2026q2_pkey PRIMARY KEY (id, occurred_at),
    CONSTRAINT audit_log_rows_match_action CHECK ((((action = 'insert'::public.audit_action) = (old_row IS NULL)) AND ((action = 'delete'::public.audit_action) = (new_row IS NULL))))
);

CREATE TABLE public.audit_log_2026q3 (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    occurred_at timestamp with time zone DEFAULT now() NOT NULL,
    household_id uuid,
    actor_id uuid,
    action public.audit_action NOT NULL,
    table_name text NOT NULL,
    row_id text NOT NULL,
    old_row jsonb,
    new_row jsonb,
    CONSTRAINT audit_log_2026q3_pkey PRIMARY KEY (id, occurred_at),
    CONSTRAINT audit_log_rows_match_action CHECK ((((action = 'insert'::public.audit_action) = (old_row IS NULL)) AND ((action = 'delete'::public.audit_action) = (new_row IS NULL))))
);

CREATE TABLE public.audit_log_2026q4 (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    occurred_at timestamp with time zone DEFAULT now() NOT NULL,
    household_id uuid,
    actor_id uuid,
    action public.audit_action NOT NULL,
    table_name text NOT NULL,
    row_id text NOT NULL,
    old_row jsonb,
    new_row jsonb,
    CONSTRAINT audit_log_2026q4_pkey PRIMARY KEY (id, occurred_at),
    CONSTRAINT audit_log_rows_match_action CHECK ((((action = 'insert'::public.audit_action) = (old_row IS NULL)) AND ((action = 'delete'::public.audit_action) = (new_row IS NULL))))
);

CREATE TABLE public.audit_log_default (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    occurred_at timestamp with time zone DEFAULT now() NOT NULL,
    household_id uuid,
    actor_id uuid,
    action public.audit_action NOT NULL,
    table_name text NOT NULL,
    row_id text NOT NULL,
    old_row jsonb,
    new_row jsonb,
    CONSTRAINT audit_log_default_pkey PRIMARY KEY (id, occurred_at),
    CONSTRAINT audit_log_rows_match_action CHECK ((((action = 'insert'::public.audit_action) = (old_row IS NULL)) AND ((action = 'delete'::public.audit_action) = (new_row IS NULL))))
);

CREATE TABLE public.contractors (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    household_id uuid NOT NULL,
    company_name text NOT NULL,
    trade public.contractor_trade DEFAULT 'general'::public.contractor_trade NOT NULL,
    email public.email_address,
    phone text,
    hourly_rate_cents public.amount_cents,
    currency public.currency_code,
    rating smallint,
    notes text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    archived_at timestamp with time zone,
    CONSTRAINT contractors_company_name_length CHECK (((char_length(company_name) >= 1) AND (char_length(company_name) <= 200))),
    CONSTRAINT contractors_pkey PRIMARY KEY (id),
    CONSTRAINT contractors_rate_has_currency CHECK (((hourly_rate_cents IS NULL) = (currency IS NULL))),
    CONSTRAINT contractors_rating_range CHECK (((rating >= 1) AND (rating <= 5))),
    CONSTRAINT contractors_reachable CHECK (((email IS NOT NULL) OR (phone IS NOT NULL)))
);

CREATE TABLE public.documents (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    household_id uuid NOT NULL,
    task_id bigint,
    contractor_id bigint,
    uploaded_by uuid,
    kind public.document_kind DEFAULT 'other'::public.document_kind NOT NULL,
    file_name text NOT NULL,
    media_type text NOT NULL,
    storage_key text NOT NULL,
    uploaded_at timestamp with time zone DEFAULT now() NOT NULL,
    size_bytes bigint NOT NULL,
    CONSTRAINT documents_file_name_length CHECK (((char_length(file_name) >= 1) AND (char_length(file_name) <= 255))),
    CONSTRAINT documents_media_type_format CHECK ((media_type ~ '^[a-z]+/[a-z0-9.+-]+$'::text)),
    CONSTRAINT documents_pkey PRIMARY KEY (id),
    CONSTRAINT documents_size_bytes_check CHECK ((size_bytes >= 0)),
    CONSTRAINT documents_storage_key_key UNIQUE (storage_key)
);

CREATE TABLE public.household_invitations (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    household_id uuid NOT NULL,
    invited_by uuid,
    email public.email_address NOT NULL,
    role public.household_role DEFAULT 'member'::public.household_role NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone DEFAULT (now() + '14 days'::interval) NOT NULL,
    accepted_at timestamp with time zone,
    CONSTRAINT household_invitations_expiry_order CHECK ((expires_at > created_at)),
    CONSTRAINT household_invitations_not_as_owner CHECK ((role <> 'owner'::public.household_role)),
    CONSTRAINT household_invitations_pkey PRIMARY KEY (id),
    CONSTRAINT household_invitations_token_hash_key UNIQUE (token_hash)
);

CREATE TABLE public.household_members (
    household_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role public.household_role DEFAULT 'member'::public.household_role NOT NULL,
    joined_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT household_members_pkey PRIMARY KEY (household_id, user_id)
);

CREATE TABLE public.households (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    country_code character(2) NOT NULL,
    built_year smallint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT households_built_year_range CHECK (((built_year >= 1200) AND (built_year <= 2200))),
    CONSTRAINT households_country_code_format CHECK ((country_code ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT households_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 120))),
    CONSTRAINT households_pkey PRIMARY KEY (id)
);

CREATE TABLE public.notification_preferences (
    user_id uuid NOT NULL,
    channel public.notification_channel DEFAULT 'email'::public.notification_channel NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    quiet_from time without time zone,
    quiet_until time without time zone,
    CONSTRAINT notification_preferences_pkey PRIMARY KEY (user_id, channel),
    CONSTRAINT notification_preferences_quiet_complete CHECK (((quiet_from IS NULL) = (quiet_until IS NULL)))
);

CREATE TABLE public.notifications (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    user_id uuid NOT NULL,
    task_id bigint,
    channel public.notification_channel NOT NULL,
    template text NOT NULL,
    payload jsonb DEFAULT '{}'::jsonb NOT NULL,
    dedupe_key text,
    scheduled_for timestamp with time zone DEFAULT now() NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    sent_at timestamp with time zone,
    read_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT notifications_attempts_range CHECK (((attempts >= 0) AND (attempts <= 20))),
    CONSTRAINT notifications_payload_is_object CHECK ((jsonb_typeof(payload) = 'object'::text)),
    CONSTRAINT notifications_pkey PRIMARY KEY (id),
    CONSTRAINT notifications_read_after_sent CHECK (((read_at IS NULL) OR (sent_at IS NOT NULL)))
);

CREATE TABLE public.plans (
    code text NOT NULL,
    name text NOT NULL,
    price_cents public.amount_cents NOT NULL,
    currency public.currency_code NOT NULL,
    billing_interval public.billing_interval DEFAULT 'month'::public.billing_interval NOT NULL,
    max_members smallint,
    max_storage_bytes bigint,
    is_available boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT plans_code_format CHECK ((code ~ '^[a-z][a-z0-9_]*$'::text)),
    CONSTRAINT plans_max_members_positive CHECK ((max_members > 0)),
    CONSTRAINT plans_max_storage_bytes_positive CHECK ((max_storage_bytes > 0)),
    CONSTRAINT plans_pkey PRIMARY KEY (code)
);

CREATE TABLE public.subscriptions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    household_id uuid NOT NULL,
    plan_code text NOT NULL,
    status public.subscription_status DEFAULT 'trialing'::public.subscription_status NOT NULL,
    provider_ref text,
    current_period_start timestamp with time zone NOT NULL,
    current_period_end timestamp with time zone NOT NULL,
    cancelled_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT subscriptions_cancelled_at_matches_status CHECK (((status = 'cancelled'::public.subscription_status) = (cancelled_at IS NOT NULL))),
    CONSTRAINT subscriptions_period_order CHECK ((current_period_end > current_period_start)),
    CONSTRAINT subscriptions_pkey PRIMARY KEY (id),
    CONSTRAINT subscriptions_provider_ref_key UNIQUE (provider_ref)
);

CREATE TABLE public.tasks (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    household_id uuid NOT NULL,
    contractor_id bigint,
    assignee_id uuid,
    title text NOT NULL,
    notes text DEFAULT ''::text NOT NULL,
    status public.task_status DEFAULT 'open'::public.task_status NOT NULL,
    due_on date,
    recurrence_every smallint,
    recurrence_unit public.recurrence_unit,
    cost_cents public.amount_cents,
    completed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    previous_task_id bigint,
    CONSTRAINT tasks_completed_at_matches_status CHECK (((status = 'done'::public.task_status) = (completed_at IS NOT NULL))),
    CONSTRAINT tasks_pkey PRIMARY KEY (id),
    CONSTRAINT tasks_recurrence_complete CHECK (((recurrence_every IS NULL) = (recurrence_unit IS NULL))),
    CONSTRAINT tasks_recurrence_every_range CHECK (((recurrence_every >= 1) AND (recurrence_every <= 366))),
    CONSTRAINT tasks_recurrence_needs_due_on CHECK (((recurrence_unit IS NULL) OR (due_on IS NOT NULL))),
    CONSTRAINT tasks_title_length CHECK (((char_length(title) >= 1) AND (char_length(title) <= 200)))
);

CREATE TABLE public.users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    email public.email_address NOT NULL,
    display_name text NOT NULL,
    locale text DEFAULT 'en'::text NOT NULL,
    time_zone text DEFAULT 'UTC'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deactivated_at timestamp with time zone,
    phone_number text,
    CONSTRAINT users_display_name_length CHECK (((char_length(display_name) >= 1) AND (char_length(display_name) <= 120))),
    CONSTRAINT users_phone_number_format CHECK ((phone_number ~ '^\+[1-9][0-9]{6,14}$'::text)),
    CONSTRAINT users_pkey PRIMARY KEY (id)
);

ALTER TABLE ONLY public.contractors ADD CONSTRAINT contractors_household_id_fkey FOREIGN KEY (household_id) REFERENCES public.households(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.documents ADD CONSTRAINT documents_contractor_id_fkey FOREIGN KEY (contractor_id) REFERENCES public.contractors(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.documents ADD CONSTRAINT documents_household_id_fkey FOREIGN KEY (household_id) REFERENCES public.households(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.documents ADD CONSTRAINT documents_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.tasks(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.documents ADD CONSTRAINT documents_uploaded_by_fkey FOREIGN KEY (uploaded_by) REFERENCES public.users(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.household_invitations ADD CONSTRAINT household_invitations_household_id_fkey FOREIGN KEY (household_id) REFERENCES public.households(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.household_invitations ADD CONSTRAINT household_invitations_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES public.users(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.household_members ADD CONSTRAINT household_members_household_id_fkey FOREIGN KEY (household_id) REFERENCES public.households(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.household_members ADD CONSTRAINT household_members_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.notification_preferences ADD CONSTRAINT notification_preferences_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.notifications ADD CONSTRAINT notifications_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.tasks(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.notifications ADD CONSTRAINT notifications_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.subscriptions ADD CONSTRAINT subscriptions_household_id_fkey FOREIGN KEY (household_id) REFERENCES public.households(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.subscriptions ADD CONSTRAINT subscriptions_plan_code_fkey FOREIGN KEY (plan_code) REFERENCES public.plans(code) ON DELETE RESTRICT;
ALTER TABLE ONLY public.tasks ADD CONSTRAINT tasks_assignee_id_fkey FOREIGN KEY (assignee_id) REFERENCES public.users(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.tasks ADD CONSTRAINT tasks_contractor_id_fkey FOREIGN KEY (contractor_id) REFERENCES public.contractors(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.tasks ADD CONSTRAINT tasks_household_id_fkey FOREIGN KEY (household_id) REFERENCES public.households(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.tasks ADD CONSTRAINT tasks_previous_task_id_fkey FOREIGN KEY (previous_task_id) REFERENCES public.tasks(id) ON DELETE SET NULL;

CREATE INDEX audit_log_household_idx ON ONLY public.audit_log USING btree (household_id, occurred_at DESC);
CREATE INDEX audit_log_row_idx ON ONLY public.audit_log USING btree (table_name, row_id, occurred_at DESC);
CREATE INDEX audit_log_2025q1_household_id_occurred_at_idx ON public.audit_log_2025q1 USING btree (household_id, occurred_at DESC);
CREATE INDEX audit_log_2025q1_table_name_row_id_occurred_at_idx ON public.audit_log_2025q1 USING btree (table_name, row_id, occurred_at DESC);
CREATE INDEX audit_log_2025q2_household_id_occurred_at_idx ON public.audit_log_2025q2 USING btree (household_id, occurred_at DESC);
CREATE INDEX audit_log_2025q2_table_name_row_id_occurred_at_idx ON public.audit_log_2025q2 USING btree (table_name, row_id, occurred_at DESC);
CREATE INDEX audit_log_2025q3_household_id_occurred_at_idx ON public.audit_log_2025q3 USING btree (household_id, occurred_at DESC);
CREATE INDEX audit_log_2025q3_table_name_row_id_occurred_at_idx ON public.audit_log_2025q3 USING btree (table_name, row_id, occurred_at DESC);
CREATE INDEX audit_log_2025q4_household_id_occurred_at_idx ON public.audit_log_2025q4 USING btree (household_id, occurred_at DESC);
CREATE INDEX audit_log_2025q4_table_name_row_id_occurred_at_idx ON public.audit_log_2025q4 USING btree (table_name, row_id, occurred_at DESC);
CREATE INDEX audit_log_2026q1_household_id_occurred_at_idx ON public.audit_log_2026q1 USING btree (household_id, occurred_at DESC);
CREATE INDEX audit_log_2026q1_table_name_row_id_occurred_at_idx ON public.audit_log_2026q1 USING btree (table_name, row_id, occurred_at DESC);
CREATE INDEX audit_log_2026q2_household_id_occurred_at_idx ON public.audit_log_2026q2 USING btree (household_id, occurred_at DESC);
CREATE INDEX audit_log_2026q2_table_name_row_id_occurred_at_idx ON public.audit_log_2026q2 USING btree (table_name, row_id, occurred_at DESC);
CREATE INDEX audit_log_2026q3_household_id_occurred_at_idx ON public.audit_log_2026q3 USING btree (household_id, occurred_at DESC);
CREATE INDEX audit_log_2026q3_table_name_row_id_occurred_at_idx ON public.audit_log_2026q3 USING btree (table_name, row_id, occurred_at DESC);
CREATE INDEX audit_log_2026q4_household_id_occurred_at_idx ON public.audit_log_2026q4 USING btree (household_id, occurred_at DESC);
CREATE INDEX audit_log_2026q4_table_name_row_id_occurred_at_idx ON public.audit_log_2026q4 USING btree (table_name, row_id, occurred_at DESC);
CREATE INDEX audit_log_default_household_id_occurred_at_idx ON public.audit_log_default USING btree (household_id, occurred_at DESC);
CREATE INDEX audit_log_default_table_name_row_id_occurred_at_idx ON public.audit_log_default USING btree (table_name, row_id, occurred_at DESC);
CREATE INDEX contractors_active_trade_idx ON public.contractors USING btree (household_id, trade) WHERE (archived_at IS NULL);
CREATE UNIQUE INDEX contractors_household_company_key ON public.contractors USING btree (household_id, lower(company_name));
CREATE INDEX documents_contractor_id_idx ON public.documents USING btree (contractor_id) WHERE (contractor_id IS NOT NULL);
CREATE INDEX documents_household_id_idx ON public.documents USING btree (household_id);
CREATE INDEX documents_household_kind_idx ON public.documents USING btree (household_id, kind, uploaded_at DESC);
CREATE INDEX documents_task_id_idx ON public.documents USING btree (task_id) WHERE (task_id IS NOT NULL);
CREATE INDEX documents_uploaded_by_idx ON public.documents USING btree (uploaded_by);
CREATE INDEX household_invitations_invited_by_idx ON public.household_invitations USING btree (invited_by);
CREATE UNIQUE INDEX household_invitations_pending_key ON public.household_invitations USING btree (household_id, email) WHERE (accepted_at IS NULL);
CREATE UNIQUE INDEX household_members_one_owner_key ON public.household_members USING btree (household_id) WHERE (role = 'owner'::public.household_role);
CREATE INDEX household_members_user_id_idx ON public.household_members USING btree (user_id);
CREATE UNIQUE INDEX notifications_dedupe_key ON public.notifications USING btree (user_id, channel, dedupe_key) WHERE (dedupe_key IS NOT NULL);
CREATE INDEX notifications_task_id_idx ON public.notifications USING btree (task_id) WHERE (task_id IS NOT NULL);
CREATE INDEX notifications_unread_idx ON public.notifications USING btree (user_id, sent_at DESC) WHERE ((read_at IS NULL) AND (sent_at IS NOT NULL));
CREATE INDEX notifications_unsent_idx ON public.notifications USING btree (scheduled_for) WHERE (sent_at IS NULL);
CREATE INDEX notifications_user_id_idx ON public.notifications USING btree (user_id);
CREATE INDEX subscriptions_household_id_idx ON public.subscriptions USING btree (household_id);
CREATE UNIQUE INDEX subscriptions_one_live_key ON public.subscriptions USING btree (household_id) WHERE (status <> 'cancelled'::public.subscription_status);
CREATE INDEX subscriptions_plan_code_idx ON public.subscriptions USING btree (plan_code);
CREATE INDEX subscriptions_renewal_idx ON public.subscriptions USING btree (current_period_end) WHERE (status = ANY (ARRAY['trialing'::public.subscription_status, 'active'::public.subscription_status]));
CREATE INDEX tasks_assignee_id_idx ON public.tasks USING btree (assignee_id);
CREATE INDEX tasks_assignee_open_idx ON public.tasks USING btree (assignee_id, due_on) WHERE (status = ANY (ARRAY['open'::public.task_status, 'in_progress'::public.task_status]));
CREATE INDEX tasks_contractor_id_idx ON public.tasks USING btree (contractor_id);
CREATE INDEX tasks_household_due_idx ON public.tasks USING btree (household_id, due_on) WHERE (status = ANY (ARRAY['open'::public.task_status, 'in_progress'::public.task_status]));
CREATE INDEX tasks_household_id_idx ON public.tasks USING btree (household_id);
CREATE UNIQUE INDEX tasks_previous_task_id_key ON public.tasks USING btree (previous_task_id) WHERE (previous_task_id IS NOT NULL);
CREATE INDEX tasks_search_idx ON public.tasks USING gin (to_tsvector('simple'::regconfig, ((title || ' '::text) || notes)));
CREATE UNIQUE INDEX users_active_email_key ON public.users USING btree (email) WHERE (deactivated_at IS NULL);

ALTER TABLE ONLY public.audit_log ATTACH PARTITION public.audit_log_2025q1 FOR VALUES FROM ('2025-01-01 00:00:00+00') TO ('2025-04-01 00:00:00+00');
ALTER TABLE ONLY public.audit_log ATTACH PARTITION public.audit_log_2025q2 FOR VALUES FROM ('2025-04-01 00:00:00+00') TO ('2025-07-01 00:00:00+00');
ALTER TABLE ONLY public.audit_log ATTACH PARTITION public.audit_log_2025q3 FOR VALUES FROM ('2025-07-01 00:00:00+00') TO ('2025-10-01 00:00:00+00');
ALTER TABLE ONLY public.audit_log ATTACH PARTITION public.audit_log_2025q4 FOR VALUES FROM ('2025-10-01 00:00:00+00') TO ('2026-01-01 00:00:00+00');
ALTER TABLE ONLY public.audit_log ATTACH PARTITION public.audit_log_2026q1 FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2026-04-01 00:00:00+00');
ALTER TABLE ONLY public.audit_log ATTACH PARTITION public.audit_log_2026q2 FOR VALUES FROM ('2026-04-01 00:00:00+00') TO ('2026-07-01 00:00:00+00');
ALTER TABLE ONLY public.audit_log ATTACH PARTITION public.audit_log_2026q3 FOR VALUES FROM ('2026-07-01 00:00:00+00') TO ('2026-10-01 00:00:00+00');
ALTER TABLE ONLY public.audit_log ATTACH PARTITION public.audit_log_2026q4 FOR VALUES FROM ('2026-10-01 00:00:00+00') TO ('2027-01-01 00:00:00+00');
ALTER TABLE ONLY public.audit_log ATTACH PARTITION public.audit_log_default DEFAULT;

CREATE VIEW public.household_task_overview AS
 SELECT h.id AS household_id,
    count(t.id) FILTER (WHERE (t.status = ANY (ARRAY['open'::public.task_status, 'in_progress'::public.task_status]))) AS open_tasks,
    count(t.id) FILTER (WHERE ((t.status = ANY (ARRAY['open'::public.task_status, 'in_progress'::public.task_status])) AND (t.due_on < CURRENT_DATE))) AS overdue_tasks,
    min(t.due_on) FILTER (WHERE (t.status = ANY (ARRAY['open'::public.task_status, 'in_progress'::public.task_status]))) AS next_due_on,
    max(t.completed_at) AS last_completed_at
   FROM (public.households h
     LEFT JOIN public.tasks t ON ((t.household_id = h.id)))
  GROUP BY h.id;

CREATE MATERIALIZED VIEW public.household_monthly_stats AS
 SELECT household_id,
    (date_trunc('month'::text, (completed_at AT TIME ZONE 'UTC'::text)))::date AS month,
    count(*) AS completed_tasks,
    count(*) FILTER (WHERE (contractor_id IS NOT NULL)) AS contracted_tasks,
    COALESCE(sum((cost_cents)::bigint), (0)::numeric) AS total_cost_cents
   FROM public.tasks t
  WHERE (status = 'done'::public.task_status)
  GROUP BY household_id, ((date_trunc('month'::text, (completed_at AT TIME ZONE 'UTC'::text)))::date);

CREATE UNIQUE INDEX household_monthly_stats_key ON public.household_monthly_stats USING btree (household_id, month);

CREATE TRIGGER contractors_audit AFTER INSERT OR DELETE OR UPDATE ON public.contractors FOR EACH ROW EXECUTE FUNCTION public.write_audit_log();
CREATE TRIGGER contractors_set_updated_at BEFORE UPDATE ON public.contractors FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();
CREATE TRIGGER documents_audit AFTER INSERT OR DELETE ON public.documents FOR EACH ROW EXECUTE FUNCTION public.write_audit_log();
CREATE TRIGGER households_set_updated_at BEFORE UPDATE ON public.households FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();
CREATE TRIGGER subscriptions_audit AFTER INSERT OR DELETE OR UPDATE ON public.subscriptions FOR EACH ROW EXECUTE FUNCTION public.write_audit_log();
CREATE TRIGGER subscriptions_set_updated_at BEFORE UPDATE ON public.subscriptions FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();
CREATE TRIGGER tasks_audit AFTER INSERT OR DELETE OR UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION public.write_audit_log();
CREATE TRIGGER tasks_schedule_next AFTER UPDATE OF status ON public.tasks FOR EACH ROW WHEN (((new.status = 'done'::public.task_status) AND (old.status <> 'done'::public.task_status) AND (new.recurrence_unit IS NOT NULL))) EXECUTE FUNCTION public.schedule_next_task();
CREATE TRIGGER tasks_set_updated_at BEFORE UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();
CREATE TRIGGER users_set_updated_at BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

COMMENT ON DOMAIN public.amount_cents IS 'Non-negative amount in minor units; the currency stands next to it.';
COMMENT ON COLUMN public.audit_log.actor_id IS 'From the setting app.actor_id; NULL for jobs and migrations.';
COMMENT ON TABLE public.audit_log IS 'Changes to the rows that matter, one partition per quarter (UTC).';
COMMENT ON COLUMN public.contractors.archived_at IS 'Hidden from pickers; old tasks still point here.';
COMMENT ON TABLE public.contractors IS 'Tradespeople and firms a household works with.';
COMMENT ON FUNCTION public.create_audit_log_partition(quarter_start date) IS 'Adds the partition of one quarter (UTC) to audit_log, taking its rows out of the default partition.';
COMMENT ON DOMAIN public.currency_code IS 'ISO 4217 code in capitals.';
COMMENT ON COLUMN public.documents.size_bytes IS 'Size of the stored file in bytes.';
COMMENT ON COLUMN public.documents.storage_key IS 'Key in the object store; random, so it gives nothing away.';
COMMENT ON TABLE public.documents IS 'Files kept for a household. Rows are written once and not edited.';
COMMENT ON DOMAIN public.email_address IS 'Case-insensitive e-mail address, checked for its rough shape only.';
COMMENT ON COLUMN public.household_invitations.token_hash IS 'SHA-256 of the mailed token; the token itself is never stored.';
COMMENT ON TABLE public.household_invitations IS 'Open and accepted invitations by e-mail.';
COMMENT ON TABLE public.household_members IS 'Who belongs to which household, and in which role.';
COMMENT ON MATERIALIZED VIEW public.household_monthly_stats IS 'Completed work and its cost by month (UTC); refreshed hourly, concurrently.';
COMMENT ON TYPE public.household_role IS 'owner: billing and deletion, member: full use, guest: read only.';
COMMENT ON VIEW public.household_task_overview IS 'Live task counts, one row per household.';
COMMENT ON TABLE public.households IS 'A home that is looked after; the tenant of the product.';
COMMENT ON FUNCTION public.next_due_on(due_on date, every smallint, unit public.recurrence_unit) IS 'The day a recurring task falls due next.';
COMMENT ON TYPE public.notification_channel IS 'Ways to reach a user.';
COMMENT ON COLUMN public.notification_preferences.quiet_from IS 'Local time of the user; may be later than quiet_until (over midnight).';
COMMENT ON TABLE public.notification_preferences IS 'Opt-outs and quiet hours; a missing row means the defaults.';
COMMENT ON COLUMN public.notifications.dedupe_key IS 'Set by jobs which may run twice, e.g. "task-due:42:2025-03-01".';
COMMENT ON TABLE public.notifications IS 'Outbox of messages to users.';
COMMENT ON COLUMN public.plans.max_members IS 'NULL means no limit; the same for max_storage_bytes.';
COMMENT ON TABLE public.plans IS 'What can be subscribed to. Plans are withdrawn (is_available), never deleted.';
COMMENT ON FUNCTION public.schedule_next_task() IS 'AFTER UPDATE trigger: creates the next occurrence of a recurring task.';
COMMENT ON FUNCTION public.set_updated_at() IS 'BEFORE UPDATE trigger: stamps updated_at.';
COMMENT ON COLUMN public.subscriptions.provider_ref IS 'Identifier at the payment provider; NULL for the free plan.';
COMMENT ON TABLE public.subscriptions IS 'Billing history of a household; at most one row per household is live.';
COMMENT ON COLUMN public.tasks.due_on IS 'A calendar day in the household, hence a date and not a timestamp.';
COMMENT ON COLUMN public.tasks.previous_task_id IS 'The occurrence whose completion created this one.';
COMMENT ON COLUMN public.tasks.recurrence_every IS 'With recurrence_unit: repeat every N units after due_on.';
COMMENT ON TABLE public.tasks IS 'One occurrence of a piece of maintenance work.';
COMMENT ON COLUMN public.users.phone_number IS 'Where text messages go; NULL means the sms channel is not offered.';
COMMENT ON COLUMN public.users.time_zone IS 'IANA name; decides when "due today" starts for this user.';
COMMENT ON TABLE public.users IS 'People who can sign in. Deactivated accounts stay for history.';
COMMENT ON FUNCTION public.write_audit_log() IS 'AFTER row trigger for tables with the columns id and household_id.';
