-- grain: one row per table that a run in run_ids held against its source (law X9)
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
where run_id in ({{ run_ids | join(", ") }})
order by
    run_id,
    case status when 'differs' then 1 when 'repaired' then 2 else 3 end,
    table_name;
