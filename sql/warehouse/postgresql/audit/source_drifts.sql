-- grain: one row per run, table and way in which the source differs from the catalog
create table if not exists audit.source_drifts (
    run_id text not null references audit.runs (run_id) on delete cascade,
    table_name text not null,
    drift text not null,
    primary key (run_id, table_name, drift)
);
comment on table audit.source_drifts is 'Drifts that the table''s policy let pass (law X12)';
