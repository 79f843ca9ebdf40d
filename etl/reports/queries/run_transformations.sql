-- grain: one row per table and step of its preparation, in a run in run_ids
-- reads: audit.transformations
select
    run_id,
    table_name,
    position,
    step,
    transformations.columns,
    rows_before,
    rows_after,
    changed,
    nulls_before,
    nulls_after
from audit.transformations
where run_id in ({{ run_ids | join(", ") }})
order by run_id, table_name, position;
