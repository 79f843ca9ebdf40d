-- grain: one row per table and step of its preparation, in a run in %(run_ids)s
-- reads: audit.transformations
select
    run_id,
    table_name,
    position,
    step,
    array_to_string(columns, ', ') as column_names,
    rows_before,
    rows_after,
    changed,
    nulls_before,
    nulls_after
from audit.transformations
where run_id = any(%(run_ids)s)
order by run_id, table_name, position;
