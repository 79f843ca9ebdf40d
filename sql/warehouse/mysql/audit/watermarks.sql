-- grain: one row per source table
create table if not exists audit.watermarks (
    pipeline varchar(255) not null comment 'The pipeline that moved it last',
    table_name varchar(255) not null,
    value longtext not null comment 'Text in the source''s own form at full precision (law X3)',
    run_id varchar(64) not null,
    primary key (table_name),
    foreign key (run_id) references audit.runs (run_id)
) comment {{
    ("End of the last released window of each table; moves in the release only, forward only"
    " (laws X6, X7)")
    | literal
}};
