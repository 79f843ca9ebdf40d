-- grain: one row per drift of a source or a profile, in a run in run_ids
-- reads: audit.source_drifts, audit.profile_drifts
select
    run_id,
    table_name,
    'source' as kind,
    drift
from audit.source_drifts
where run_id in ({{ run_ids | join(", ") }})
union all
select
    run_id,
    table_name,
    'profile' as kind,
    concat_ws(': ', nullif(column_name, ''), drift) as drift
from audit.profile_drifts
where run_id in ({{ run_ids | join(", ") }})
order by run_id asc, kind desc, table_name asc, drift asc;
