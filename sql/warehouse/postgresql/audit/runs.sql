-- grain: one row per run of a pipeline
create table if not exists audit.runs (
    run_id text primary key,
    pipeline text not null,
    business_date date,
    full_refresh boolean not null default false,
    status text not null
    check (status in ('running', 'succeeded', 'failed', 'gate_closed', 'killed')),
    started_at timestamptz not null default current_timestamp,
    finished_at timestamptz,
    quality_score_pct numeric(5, 2),
    staging_schema text not null,
    flow_run_url text,
    code_version text,
    error text,
    is_backfill boolean not null default false,
    parameters jsonb,
    check ((status = 'running') = (finished_at is null))
);
-- Warehouses from before revision 0003 lack it.
alter table audit.runs add column if not exists is_backfill boolean not null default false;
-- Warehouses from before revision 0004 lack it.
alter table audit.runs add column if not exists parameters jsonb;
create index if not exists runs_started_at_idx on audit.runs (pipeline, started_at desc);
comment on table audit.runs is
'One row per run; the row of a succeeded run commits with its release (law R2)';
comment on column audit.runs.status is
'killed = found running although its lock was free';
comment on column audit.runs.is_backfill is
'One date of a backfill, which leaves the watermarks alone (law X7)';
comment on column audit.runs.error is 'First lines of the message of a failed run, without secrets';
comment on column audit.runs.parameters is 'Parameters of the flow, as it was asked';
