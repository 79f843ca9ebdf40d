-- grain: one row per run and source table that it planned to read
create table if not exists audit.windows (
    run_id text not null references audit.runs (run_id) on delete cascade,
    table_name text not null,
    low text,
    high text,
    as_of text not null,
    compares_keys boolean not null,
    moves_watermark boolean not null,
    primary key (run_id, table_name)
);
comment on table audit.windows is
'Half-open window [low, high) of each table of a run, in the source''s own text (laws X2, X3)';
comment on column audit.windows.low is 'NULL = from the beginning';
comment on column audit.windows.as_of is 'Instant of the source''s clock for which the run speaks';
