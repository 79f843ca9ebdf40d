-- grain: one row per table of a run in run_ids
-- reads: audit.run_tables
select
    run_id,
    name,
    role,
    extracted,
    rejected,
    dropped,
    quarantined,
    inserted,
    updated,
    expired,
    unchanged,
    removed,
    late,
    repointed,
    inferred,
    seconds
from audit.run_tables
where run_id in ({{ run_ids | join(", ") }})
order by
    run_id,
    case role
        when 'source' then 1
        when 'dimension' then 2
        when 'fact' then 3
        when 'replica' then 4
        else 5
    end,
    name;
