-- grain: one row per column of each table, in the newest run that profiled the table
-- reads: audit.profiles, audit.runs
with ranked as (
    select
        profiles.table_name,
        profiles.run_id,
        runs.started_at,
        runs.status,
        runs.pipeline,
        row_number() over (
            partition by profiles.table_name
            order by runs.started_at desc, runs.run_id desc
        ) as place
    from audit.profiles
    inner join audit.runs on profiles.run_id = runs.run_id
    where profiles.row_count > 0
)

select
    profiles.table_name,
    profiles.column_name,
    profiles.data_type,
    profiles.row_count,
    profiles.sampled_count,
    profiles.null_count,
    round(100.0 * profiles.null_count / nullif(profiles.sampled_count, 0), 4) as null_pct,
    profiles.distinct_count,
    case when profiles.is_key_candidate then 'yes' end as key_candidate,
    case when profiles.is_personal then 'yes' end as personal,
    profiles.is_whole,
    profiles.lowest,
    profiles.highest,
    profiles.quantiles,
    round(profiles.mean, 6) as mean,
    profiles.form,
    profiles.shortest,
    profiles.longest,
    profiles.top_values,
    profiles.patterns,
    ranked.run_id,
    ranked.started_at,
    ranked.status,
    ranked.pipeline
from audit.profiles
inner join ranked on profiles.table_name = ranked.table_name and profiles.run_id = ranked.run_id
where ranked.place = 1
order by profiles.table_name, profiles.position;
