-- grain: one row per run of a pipeline
create table if not exists audit.runs (
    run_id varchar(64) primary key,
    pipeline varchar(255) not null,
    business_date date,
    full_refresh boolean not null default false,
    status varchar(16) not null comment 'killed = found running although its lock was free',
    started_at datetime(6) not null default (utc_timestamp(6)),
    finished_at datetime(6),
    quality_score_pct decimal(5, 2),
    staging_schema varchar(255) not null,
    flow_run_url longtext,
    code_version varchar(255),
    error longtext comment 'First lines of the message of a failed run, without secrets',
    is_backfill boolean not null default false
    comment 'One date of a backfill, which leaves the watermarks alone (law X7)',
    parameters json comment 'Parameters of the flow, as it was asked',
    check (status in ('running', 'succeeded', 'failed', 'gate_closed', 'killed')),
    check ((status = 'running') = (finished_at is null)),
    index runs_started_at_idx (pipeline, started_at desc)
) comment 'One row per run; the row of a succeeded run commits with its release (law R2)';
