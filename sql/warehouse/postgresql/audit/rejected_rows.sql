-- grain: one row per row that preparation could not give its declared types
create table if not exists audit.rejected_rows (
    rejected_row_id bigint generated always as identity primary key,
    run_id text not null references audit.runs (run_id),
    table_name text not null,
    column_name text,
    reason text not null,
    payload jsonb not null
);
create index if not exists rejected_rows_table_idx on audit.rejected_rows (table_name, run_id);
comment on table audit.rejected_rows is
'Rows as the source gave them, with the first column that did not convert and why';
