-- grain: one row per run and table it read or wrote
create table if not exists audit.run_tables (
    run_id text not null references audit.runs (run_id) on delete cascade,
    name text not null,
    role text not null,
    extracted bigint not null default 0,
    rejected bigint not null default 0,
    dropped bigint not null default 0,
    quarantined bigint not null default 0,
    inserted bigint not null default 0,
    updated bigint not null default 0,
    expired bigint not null default 0,
    unchanged bigint not null default 0,
    removed bigint not null default 0,
    late bigint not null default 0,
    repointed bigint not null default 0,
    inferred bigint not null default 0,
    seconds numeric(12, 3) not null default 0,
    primary key (run_id, name)
);
alter table audit.run_tables drop constraint if exists run_tables_role_check;
alter table audit.run_tables add constraint run_tables_role_check
check (role in ('source', 'dimension', 'fact', 'replica', 'mart'));
comment on table audit.run_tables is
'Row accounting of a run; for a source, extracted ='
' rejected + dropped + quarantined + inserted + updated + unchanged (law R3)';
comment on column audit.run_tables.dropped is
'Identical duplicates, rows that a newer one of their grain excels,'
' lines whose order moved on while it was read, and what steps drop:'
' rows with missing values, and all but one of those that mean the same';
comment on column audit.run_tables.late is
'Events that lie before a version known already (law S8)';
comment on column audit.run_tables.repointed is
'Fact rows that got another version of a dimension (law S8)';
