-- grain: one row of the transformation log per table and step, over all parts of the table
-- reads: {{ schema }}._steps
insert into audit.transformations (
    run_id,
    table_name,
    position,
    step,
    columns,
    rows_before,
    rows_after,
    changed,
    nulls_before,
    nulls_after
)
select
    l.run_id,
    l.table_name,
    l.position,
    l.step,
    l.columns,
    l.rows_before,
    l.rows_after,
    l.changed,
    l.nulls_before,
    l.nulls_after
from (
    select
        %(run_id)s as run_id,
        s.table_name,
        s.position,
        s.step,
        s.columns,
        sum(s.rows_before) as rows_before,
        sum(s.rows_after) as rows_after,
        sum(s.changed) as changed,
        sum(s.nulls_before) as nulls_before,
        sum(s.nulls_after) as nulls_after
    from {{ schema | ident }}._steps as s
    group by s.table_name, s.position, s.step, s.columns
) as l
on duplicate key update rows_before = audit.transformations.rows_before;
