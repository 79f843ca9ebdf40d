-- grain: one row per run and source table that it planned to read
create table if not exists audit.windows (
    run_id text not null references audit.runs (run_id) on delete cascade,
    table_name text not null,
    low text,
    high text,
    as_of text not null,
    compares_keys boolean not null,
    moves_watermark boolean not null,
    as_of_at timestamptz not null,
    high_at timestamptz,
    primary key (run_id, table_name)
);
comment on table audit.windows is
'Half-open window [low, high) of each table of a run, in the source''s own text (laws X2, X3);'
' written when it is planned, so that failed runs have theirs';
comment on column audit.windows.low is 'NULL = from the beginning';
comment on column audit.windows.as_of is 'Instant of the source''s clock for which the run speaks';
comment on column audit.windows.as_of_at is
'as_of, which is in the source''s time zone, as an instant';
comment on column audit.windows.high_at is
'high as an instant; NULL for numbers and where there is no end';
