-- grain: one row per run, column and way in which its profile left the one before; the 200 newest
-- reads: audit.profile_drifts, audit.runs
select
    profile_drifts.table_name,
    profile_drifts.column_name,
    profile_drifts.drift,
    profile_drifts.before,
    profile_drifts.after,
    runs.business_date,
    runs.started_at,
    runs.pipeline,
    runs.run_id
from audit.profile_drifts
inner join audit.runs on profile_drifts.run_id = runs.run_id
order by
    runs.started_at desc,
    runs.run_id desc,
    profile_drifts.table_name asc,
    profile_drifts.column_name asc,
    profile_drifts.drift asc
limit 200;
