-- grain: one row per run and staged table that was judged
create table if not exists audit.verdicts (
    run_id text not null references audit.runs (run_id) on delete cascade,
    table_name text not null,
    is_open boolean not null,
    row_count bigint not null,
    quarantined bigint not null,
    score_pct numeric(5, 2) not null,
    seconds numeric(12, 3) not null,
    docs_page text,
    reads_whole boolean not null default false,
    extent numeric,
    primary key (run_id, table_name)
);
comment on table audit.verdicts is
'What the gate said about each staged table, closed gates included (law Q4)';
comment on column audit.verdicts.row_count is 'Rows that were judged';
comment on column audit.verdicts.extent is
'How much the run read: seconds of its window, or files; runs are compared by it (law Q4)';
comment on column audit.verdicts.docs_page is
'Page of the judgement, relative to the folder of the Data Docs (law Q5)';
