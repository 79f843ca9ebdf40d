-- grain: one row per table that a run in %(run_ids)s held against its source (law X9)
-- reads: audit.reconciliations
select
    run_id,
    table_name,
    status,
    source_count,
    target_count,
    missing,
    extra,
    changed,
    held_back,
    newer,
    kept,
    verified_through,
    target
from audit.reconciliations
where run_id = any(%(run_ids)s)
order by
    run_id,
    array_position(array['differs', 'repaired', 'agrees'], status),
    table_name;
