-- grain: one row per table that was reconciled, its newest state, those that differ first (law X9)
-- reads: audit.reconciliations, audit.runs
with newest_states as (
    select distinct on (table_name) *
    from audit.reconciliations
    order by table_name asc, as_of desc, run_id desc
)

select
    newest_states.table_name,
    newest_states.status,
    newest_states.source_count,
    newest_states.target_count,
    newest_states.held_back,
    newest_states.newer,
    newest_states.kept,
    newest_states.missing,
    newest_states.extra,
    newest_states.changed,
    newest_states.differing_range_count,
    newest_states.range_count,
    newest_states.verified_through,
    newest_states.as_of,
    newest_states.seconds,
    newest_states.target,
    runs.started_at,
    newest_states.run_id
from newest_states
inner join audit.runs on newest_states.run_id = runs.run_id
order by
    array_position(array['differs', 'repaired', 'agrees'], newest_states.status),
    newest_states.table_name;
