-- grain: one row per run and source table that it planned to read
create table if not exists audit.windows (
    run_id varchar(64) not null,
    table_name varchar(255) not null,
    low longtext comment 'NULL = from the beginning',
    high longtext,
    as_of longtext not null comment 'Instant of the source''s clock for which the run speaks',
    compares_keys boolean not null,
    moves_watermark boolean not null,
    as_of_at datetime(6) not null
    comment 'as_of, which is in the source''s time zone, as an instant',
    high_at datetime(6) comment 'high as an instant; NULL for numbers and where there is no end',
    primary key (run_id, table_name),
    foreign key (run_id) references audit.runs (run_id) on delete cascade
) comment {{
    ("Half-open window [low, high) of each table of a run, in the source's own text (laws X2,"
    " X3); written when it is planned, so that failed runs have theirs")
    | literal
}};
