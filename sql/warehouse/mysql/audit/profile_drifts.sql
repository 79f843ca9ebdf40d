-- grain: one row per run, column and way in which its profile left the one before
create table if not exists audit.profile_drifts (
    run_id varchar(64) not null,
    table_name varchar(255) not null,
    column_name varchar(255) not null,
    drift varchar(64) not null
    comment {{
        ("What moved, such as null_share, distinct_share, quantiles, top_values, type;"
        " not_profiled, of no column, where the profile failed")
        | literal
    }},
    `before` longtext,
    after longtext,
    primary key (run_id, table_name, column_name, drift),
    foreign key (run_id) references audit.runs (run_id) on delete cascade
) comment 'How the profile of a column differs from that of the run before';
