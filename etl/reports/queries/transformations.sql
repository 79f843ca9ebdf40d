-- grain: one row per table and step of its preparation, in the newest run that read the table
-- reads: audit.transformations, audit.runs
with newest_runs as (
    select distinct on (transformations.table_name)
        transformations.table_name,
        runs.run_id,
        runs.started_at
    from audit.transformations
    inner join audit.runs on transformations.run_id = runs.run_id
    order by transformations.table_name asc, runs.started_at desc, runs.run_id desc
)

select
    transformations.table_name,
    transformations.position,
    transformations.step,
    array_to_string(transformations.columns, ', ') as column_names,
    transformations.rows_before,
    transformations.rows_after,
    transformations.changed,
    transformations.nulls_before,
    transformations.nulls_after,
    newest_runs.started_at,
    transformations.run_id
from audit.transformations
inner join newest_runs
    on
        transformations.table_name = newest_runs.table_name
        and transformations.run_id = newest_runs.run_id
order by transformations.table_name, transformations.position;
