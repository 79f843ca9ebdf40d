-- grain: one row per run, staged table and rule
create table if not exists audit.quality_results (
    run_id varchar(64) not null,
    table_name varchar(255) not null,
    suite varchar(255) not null,
    rule varchar(255) not null,
    expectation varchar(255) not null,
    column_name varchar(255),
    severity varchar(16) not null,
    weight decimal(8, 3) not null,
    passed boolean not null,
    checked boolean not null
    comment 'False when the rule could not be evaluated, which closes the gate (law Q2)',
    unexpected_count bigint,
    element_count bigint,
    observed longtext not null,
    observed_value double
    comment 'What a rule about the whole table measured; NULL for rules about rows',
    lowest double
    comment 'Bounds that the rule was held against, where they come from the history of runs',
    highest double,
    primary key (run_id, table_name, rule),
    foreign key (run_id) references audit.runs (run_id) on delete cascade,
    check (severity in ('critical', 'warning', 'info'))
) comment 'What each rule said in each run, closed gates included (law Q4)';
