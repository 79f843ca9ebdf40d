-- grain: one row per table that was reconciled, its newest state, those that differ first (law X9)
-- reads: audit.reconciliations, audit.runs
with states as (
    select
        reconciliations.*,
        row_number() over (partition by table_name order by as_of desc, run_id desc) as age
    from audit.reconciliations
)

select
    states.table_name,
    states.status,
    states.source_count,
    states.target_count,
    states.held_back,
    states.newer,
    states.kept,
    states.missing,
    states.extra,
    states.changed,
    states.differing_range_count,
    states.range_count,
    states.verified_through,
    states.as_of,
    states.seconds,
    states.target,
    runs.started_at,
    states.run_id
from states
inner join audit.runs on states.run_id = runs.run_id
where states.age = 1
order by
    case states.status when 'differs' then 1 when 'repaired' then 2 else 3 end,
    states.table_name;
