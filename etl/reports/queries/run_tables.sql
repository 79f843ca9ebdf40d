-- grain: one row per table of a run in %(run_ids)s
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
where run_id = any(%(run_ids)s)
order by run_id, array_position(array['source', 'dimension', 'fact', 'replica', 'mart'], role), name;
