-- grain: one row per reconciliation and range of a table (law X9)
create table if not exists audit.reconciled_ranges (
    run_id varchar(64) not null,
    table_name varchar(255) not null,
    range_number int not null,
    low longtext
    comment {{
        ("Smallest value of the first column of the key; NULL where the first range begins, and"
        " of keys that are or may be personal (law P2)")
        | literal
    }},
    high longtext
    comment 'Where the next range begins; NULL where the last one ends, and of such keys',
    source_count bigint not null,
    target_count bigint not null,
    source_hash decimal(65, 0) not null
    comment 'Sum of a hash of 64 bits of each row, so that the order of rows does not count',
    target_hash decimal(65, 0) not null,
    source_sums json not null,
    target_sums json not null,
    missing bigint not null,
    extra bigint not null,
    changed bigint not null,
    primary key (run_id, table_name, range_number),
    foreign key (run_id, table_name) references audit.reconciliations (run_id, table_name)
    on delete cascade
) comment {{
    ("Counts, sums and an order-free content hash per range [low, high), source and warehouse"
    " (law X9)")
    | literal
}};
