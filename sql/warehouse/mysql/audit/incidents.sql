-- grain: one row per incident: something that is wrong from one run until a later one
create table if not exists audit.incidents (
    incident_id bigint auto_increment primary key,
    pipeline varchar(255) not null comment 'Of the run that saw it first',
    table_name varchar(255) not null
    comment {{
        ("Empty where a whole run is meant; a table has its incidents whichever pipeline reads"
        " it")
        | literal
    }},
    kind varchar(255) not null
    comment 'run_failed, gate_closed, the name of a rule, reconciliation',
    severity varchar(16) not null,
    summary longtext not null,
    opened_at datetime(6) not null default (utc_timestamp(6)),
    opened_run_id varchar(64),
    last_seen_at datetime(6) not null default (utc_timestamp(6)),
    seen_count int not null default 1 comment 'Runs that saw it',
    closed_at datetime(6),
    closed_run_id varchar(64),
    open_scope varchar(255)
    generated always as (
        case when closed_at is null then case table_name when '' then pipeline else '' end end
    ) stored invisible,
    check (severity in ('critical', 'warning', 'info')),
    unique index incidents_open_idx (open_scope, table_name, kind)
) comment 'What people were told once, until it was over';
