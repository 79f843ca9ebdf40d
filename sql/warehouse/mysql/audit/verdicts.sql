-- grain: one row per run and staged table that was judged
create table if not exists audit.verdicts (
    run_id varchar(64) not null,
    table_name varchar(255) not null,
    is_open boolean not null,
    row_count bigint not null comment 'Rows that were judged',
    quarantined bigint not null,
    score_pct decimal(5, 2) not null,
    seconds decimal(12, 3) not null,
    docs_page longtext
    comment 'Page of the judgement, relative to the folder of the Data Docs (law Q5)',
    reads_whole boolean not null default false,
    extent double
    comment {{
        ("How much the run read: seconds of its window, or files; runs are compared by it (law"
        " Q4)")
        | literal
    }},
    primary key (run_id, table_name),
    foreign key (run_id) references audit.runs (run_id) on delete cascade
) comment 'What the gate said about each staged table, closed gates included (law Q4)';
