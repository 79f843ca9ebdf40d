-- grain: one row per reconciliation and range of a table (law X9)
create table if not exists audit.reconciled_ranges (
    run_id text not null,
    table_name text not null,
    range_number integer not null,
    low text,
    high text,
    source_count bigint not null,
    target_count bigint not null,
    source_hash numeric not null,
    target_hash numeric not null,
    source_sums jsonb not null,
    target_sums jsonb not null,
    missing bigint not null,
    extra bigint not null,
    changed bigint not null,
    primary key (run_id, table_name, range_number),
    foreign key (run_id, table_name) references audit.reconciliations (run_id, table_name)
    on delete cascade
);
comment on table audit.reconciled_ranges is
'Counts, sums and an order-free content hash per range [low, high), source and warehouse (law X9)';
comment on column audit.reconciled_ranges.low is
'Smallest value of the first column of the key; NULL where the first range begins,'
' and of keys that are or may be personal (law P2)';
comment on column audit.reconciled_ranges.high is
'Where the next range begins; NULL where the last one ends, and of such keys';
comment on column audit.reconciled_ranges.source_hash is
'Sum of a hash of 64 bits of each row, so that the order of rows does not count';
