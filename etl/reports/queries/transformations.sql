-- grain: one row per table and step of its preparation, in the newest run that read the table
-- reads: audit.transformations, audit.runs
with ranked_runs as (
    select
        transformations.table_name,
        runs.run_id,
        runs.started_at,
        row_number() over (
            partition by transformations.table_name
            order by runs.started_at desc, runs.run_id desc
        ) as place
    from audit.transformations
    inner join audit.runs on transformations.run_id = runs.run_id
)

select
    transformations.table_name,
    transformations.position,
    transformations.step,
    transformations.columns,
    transformations.rows_before,
    transformations.rows_after,
    transformations.changed,
    transformations.nulls_before,
    transformations.nulls_after,
    ranked_runs.started_at,
    transformations.run_id
from audit.transformations
inner join ranked_runs
    on
        transformations.table_name = ranked_runs.table_name
        and transformations.run_id = ranked_runs.run_id
where ranked_runs.place = 1
order by transformations.table_name, transformations.position;
