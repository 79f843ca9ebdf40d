-- grain: one row per incident: something that is wrong from one run until a later one
create table if not exists audit.incidents (
    incident_id bigint generated always as identity primary key,
    pipeline text not null,
    table_name text not null,
    kind text not null,
    severity text not null check (severity in ('critical', 'warning', 'info')),
    summary text not null,
    opened_at timestamptz not null default current_timestamp,
    opened_run_id text,
    last_seen_at timestamptz not null default current_timestamp,
    seen_count integer not null default 1,
    closed_at timestamptz,
    closed_run_id text
);
create unique index if not exists incidents_open_idx
on audit.incidents ((case table_name when '' then pipeline else '' end), table_name, kind)
where closed_at is null;
comment on table audit.incidents is
'What people were told once, until it was over';
comment on column audit.incidents.kind is
'run_failed, gate_closed, the name of a rule, reconciliation';
comment on column audit.incidents.table_name is
'Empty where a whole run is meant; a table has its incidents whichever pipeline reads it';
comment on column audit.incidents.pipeline is 'Of the run that saw it first';
comment on column audit.incidents.seen_count is 'Runs that saw it';
