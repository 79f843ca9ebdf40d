-- grain: one row per run, staged table and rule
create table if not exists audit.quality_results (
    run_id text not null references audit.runs (run_id) on delete cascade,
    table_name text not null,
    suite text not null,
    rule text not null,
    expectation text not null,
    column_name text,
    severity text not null check (severity in ('critical', 'warning', 'info')),
    weight numeric(8, 3) not null,
    passed boolean not null,
    checked boolean not null,
    unexpected_count bigint,
    element_count bigint,
    observed text not null,
    observed_value numeric,
    lowest numeric,
    highest numeric,
    primary key (run_id, table_name, rule)
);
-- Warehouses from before revision 0004 lack them.
alter table audit.quality_results add column if not exists observed_value numeric;
alter table audit.quality_results add column if not exists lowest numeric;
alter table audit.quality_results add column if not exists highest numeric;
comment on table audit.quality_results is
'What each rule said in each run, closed gates included (law Q4)';
comment on column audit.quality_results.checked is
'False when the rule could not be evaluated, which closes the gate (law Q2)';
comment on column audit.quality_results.observed_value is
'What a rule about the whole table measured; NULL for rules about rows';
comment on column audit.quality_results.lowest is
'Bounds that the rule was held against, where they come from the history of runs';
