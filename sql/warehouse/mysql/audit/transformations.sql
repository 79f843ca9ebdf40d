-- grain: one row per run, table and step of its preparation
create table if not exists audit.transformations (
    run_id varchar(64) not null,
    table_name varchar(255) not null,
    position int not null,
    step varchar(255) not null,
    columns json not null comment 'Columns that the step writes, or judges where it writes none',
    rows_before bigint not null,
    rows_after bigint not null,
    changed bigint not null
    comment 'Values of the columns that differ from before, in the rows that are left',
    nulls_before bigint not null
    comment 'NULLs in these columns; a column that the step makes has only NULLs before',
    nulls_after bigint not null,
    primary key (run_id, table_name, position),
    foreign key (run_id) references audit.runs (run_id) on delete cascade
) comment 'Transformation log: what each step of each table did in each run';
