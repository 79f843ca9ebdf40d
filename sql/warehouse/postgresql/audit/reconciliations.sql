-- grain: one row per run of reconcile and source table (law X9)
create table if not exists audit.reconciliations (
    run_id text not null references audit.runs (run_id),
    table_name text not null,
    target text not null,
    status text not null check (status in ('agrees', 'differs', 'repaired')),
    as_of timestamptz not null,
    source_count bigint not null,
    target_count bigint not null,
    held_back bigint not null,
    newer bigint not null,
    kept bigint not null,
    missing bigint not null,
    extra bigint not null,
    changed bigint not null,
    range_count bigint not null,
    differing_range_count bigint not null,
    verified_through text,
    seconds numeric(12, 3) not null,
    primary key (run_id, table_name)
);
comment on table audit.reconciliations is
'Source held against the warehouse, table by table (law X9)';
comment on column audit.reconciliations.held_back is
'Rows of the source that wait in quarantine, were discarded there or rejected; not compared';
comment on column audit.reconciliations.newer is
'Rows that changed at the source since the last load; not compared';
comment on column audit.reconciliations.kept is
'Rows that only the warehouse has and the table''s policy of deletes keeps; not compared';
comment on column audit.reconciliations.extra is
'Rows that only the warehouse has although the source decides about them';
comment on column audit.reconciliations.verified_through is
'Largest key of the contiguous ranges from the beginning that agree, first column of the key;'
' or the number of the last such range where keys may be personal;'
' NULL where not even the first agrees, or nothing was compared';
