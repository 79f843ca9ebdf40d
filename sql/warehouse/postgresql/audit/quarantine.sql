-- grain: one row per quarantined row of a staged table
create table if not exists audit.quarantine (
    quarantine_id bigint generated always as identity primary key,
    run_id text not null references audit.runs (run_id),
    table_name text not null,
    row_key jsonb not null,
    rules text[] not null check (cardinality(rules) > 0),
    payload jsonb not null,
    status text not null default 'open' check (status in ('open', 'replayed', 'discarded'))
);
create index if not exists quarantine_table_idx on audit.quarantine (table_name, row_key);
create index if not exists quarantine_run_idx on audit.quarantine (run_id);
comment on table audit.quarantine is
'Rows that the gate held back, whole, with every rule they broke (law Q2)';
