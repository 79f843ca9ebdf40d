-- grain: one row per run, table and step of its preparation
create table if not exists audit.transformations (
    run_id text not null references audit.runs (run_id) on delete cascade,
    table_name text not null,
    position integer not null,
    step text not null,
    columns text[] not null,
    rows_before bigint not null,
    rows_after bigint not null,
    changed bigint not null,
    nulls_before bigint not null,
    nulls_after bigint not null,
    primary key (run_id, table_name, position)
);
comment on table audit.transformations is
'Transformation log: what each step of each table did in each run';
comment on column audit.transformations.changed is
'Values of the columns that differ from before, in the rows that are left';
comment on column audit.transformations.columns is
'Columns that the step writes, or judges where it writes none';
comment on column audit.transformations.nulls_before is
'NULLs in these columns; a column that the step makes has only NULLs before';
