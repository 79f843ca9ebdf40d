-- grain: one row per source table
create table if not exists audit.watermarks (
    pipeline text not null,
    table_name text not null,
    value text not null,
    run_id text not null references audit.runs (run_id),
    primary key (table_name)
);
comment on table audit.watermarks is
'End of the last released window of each table;'
' moves in the release only, forward only (laws X6, X7)';
comment on column audit.watermarks.pipeline is 'The pipeline that moved it last';
comment on column audit.watermarks.value is
'Text in the source''s own form at full precision (law X3)';
