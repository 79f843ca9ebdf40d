-- grain: one row per quarantined row of a staged table
create table if not exists audit.quarantine (
    quarantine_id bigint generated always as identity primary key,
    run_id text not null references audit.runs (run_id),
    table_name text not null,
    row_key jsonb not null,
    rules text[] not null check (cardinality(rules) > 0),
    payload jsonb not null,
    status text not null default 'open' check (status in ('open', 'replayed', 'discarded')),
    as_of timestamptz,
    closed_at timestamptz,
    closed_run_id text,
    closed_reason text,
    shown_key text
);
-- Warehouses from before revision 0004 lack them.
alter table audit.quarantine add column if not exists as_of timestamptz;
alter table audit.quarantine add column if not exists closed_at timestamptz;
alter table audit.quarantine add column if not exists closed_run_id text;
alter table audit.quarantine add column if not exists closed_reason text;
alter table audit.quarantine add column if not exists shown_key text;
create index if not exists quarantine_table_idx on audit.quarantine (table_name, row_key);
create index if not exists quarantine_run_idx on audit.quarantine (run_id);
comment on table audit.quarantine is
'Rows that the gate held back, whole, with every rule they broke (law Q2)';
comment on column audit.quarantine.as_of is
'Instant for which its batch spoke; a replayed row is an event of then (laws Q3, S8)';
comment on column audit.quarantine.closed_run_id is
'The run that replayed it; that run''s own record may be forgotten before';
comment on column audit.quarantine.closed_reason is
'Why it was discarded, or which state of the row superseded it';
comment on column audit.quarantine.shown_key is
'The key for pages: numbers and times of it, and a dot for what is or may be personal (law P2)';
