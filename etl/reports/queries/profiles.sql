-- grain: one row per column of each table, in the newest run that profiled the table
-- reads: audit.profiles, audit.runs
with newest as (
    select distinct on (profiles.table_name)
        profiles.table_name,
        profiles.run_id,
        runs.started_at,
        runs.status,
        runs.pipeline
    from audit.profiles
    inner join audit.runs on profiles.run_id = runs.run_id
    where profiles.row_count > 0
    order by profiles.table_name asc, runs.started_at desc, runs.run_id desc
)

select
    profiles.table_name,
    profiles.column_name,
    profiles.data_type,
    profiles.row_count,
    profiles.sampled_count,
    profiles.null_count,
    100.0 * profiles.null_count / nullif(profiles.sampled_count, 0) as null_pct,
    profiles.distinct_count,
    case when profiles.is_key_candidate then 'yes' end as key_candidate,
    case when profiles.is_personal then 'yes' end as personal,
    profiles.is_whole,
    profiles.lowest,
    profiles.highest,
    profiles.quantiles[3] as median,
    profiles.mean,
    profiles.form,
    profiles.shortest,
    profiles.longest,
    profiles.top_values,
    profiles.patterns,
    newest.run_id,
    newest.started_at,
    newest.status,
    newest.pipeline
from audit.profiles
inner join newest
    on profiles.table_name = newest.table_name and profiles.run_id = newest.run_id
order by profiles.table_name, profiles.position;
