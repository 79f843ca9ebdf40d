-- grain: one row per run of reconcile and source table (law X9)
create table if not exists audit.reconciliations (
    run_id varchar(64) not null,
    table_name varchar(255) not null,
    target varchar(255) not null,
    status varchar(16) not null,
    as_of datetime(6) not null,
    source_count bigint not null,
    target_count bigint not null,
    held_back bigint not null
    comment {{
        ("Rows of the source that wait in quarantine, were discarded there or rejected; not"
        " compared")
        | literal
    }},
    newer bigint not null
    comment 'Rows that changed at the source since the last load; not compared',
    kept bigint not null
    comment {{
        ("Rows that only the warehouse has and the table's policy of deletes keeps; not compared")
        | literal
    }},
    missing bigint not null,
    extra bigint not null
    comment 'Rows that only the warehouse has although the source decides about them',
    changed bigint not null,
    range_count bigint not null,
    differing_range_count bigint not null,
    verified_through longtext
    comment {{
        ("Largest key of the contiguous ranges from the beginning that agree, first column of"
        " the key; or the number of the last such range where keys may be personal; NULL where"
        " not even the first agrees, or nothing was compared")
        | literal
    }},
    seconds decimal(12, 3) not null,
    primary key (run_id, table_name),
    foreign key (run_id) references audit.runs (run_id),
    check (status in ('agrees', 'differs', 'repaired'))
) comment 'Source held against the warehouse, table by table (law X9)';
