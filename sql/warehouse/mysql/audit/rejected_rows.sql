-- grain: one row per row that preparation could not give its declared types
create table if not exists audit.rejected_rows (
    rejected_row_id bigint auto_increment primary key,
    run_id varchar(64) not null,
    table_name varchar(255) not null,
    column_name varchar(255),
    reason longtext not null,
    payload json not null,
    foreign key (run_id) references audit.runs (run_id),
    index rejected_rows_table_idx (table_name, run_id)
) comment 'Rows as the source gave them, with the first column that did not convert and why';
