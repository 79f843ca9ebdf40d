-- grain: one row per source table, backfills aside, the longest without success first
-- reads: audit.windows, audit.runs, audit.watermarks
-- Instants of a source are held against those of the same source only (law X4), and the end of
-- the last success against the begin of the newest run of all: the day of reading changes nothing.
with planned as (
    select
        windows.table_name,
        split_part(windows.table_name, '.', 1) as source,
        windows.as_of_at,
        windows.high_at,
        runs.run_id,
        runs.pipeline,
        runs.status,
        runs.started_at,
        runs.finished_at,
        row_number() over attempts as attempt
    from audit.windows
    inner join audit.runs on windows.run_id = runs.run_id
    where windows.moves_watermark
    window
        attempts as (
            partition by windows.table_name
            order by runs.started_at desc, runs.run_id desc
        )
),

newest_instants as (
    select
        source,
        max(as_of_at) as as_of_at
    from planned
    group by source
),

newest_run as (
    select max(started_at) as started_at
    from audit.runs
),

successes as (
    select distinct on (table_name)
        table_name,
        run_id,
        pipeline,
        as_of_at,
        high_at,
        finished_at,
        attempt
    from planned
    where status = 'succeeded'
    order by table_name asc, attempt asc
),

ages as (
    select
        planned.table_name,
        planned.status as newest_status,
        planned.run_id as newest_run_id,
        coalesce(successes.attempt - 1, (
            select count(*) from planned as tried
            where tried.table_name = planned.table_name
        )) as attempts_since,
        successes.finished_at as succeeded_at,
        greatest(newest_run.started_at, successes.finished_at) - successes.finished_at as age,
        successes.as_of_at,
        newest_instants.as_of_at - successes.as_of_at as behind,
        greatest(successes.as_of_at, successes.high_at) - successes.high_at as lag,
        coalesce(successes.pipeline, planned.pipeline) as pipeline,
        successes.run_id
    from planned
    cross join newest_run
    inner join newest_instants on planned.source = newest_instants.source
    left join successes on planned.table_name = successes.table_name
    where planned.attempt = 1
)

select
    ages.table_name,
    ages.newest_status,
    ages.newest_run_id,
    ages.attempts_since,
    ages.succeeded_at,
    (extract(epoch from ages.age) / 3600)::numeric(12, 3) as hours_since_success,
    ages.as_of_at,
    (extract(epoch from ages.behind) / 3600)::numeric(12, 1) as behind_hours,
    extract(epoch from ages.lag)::numeric(12, 0) as lag_seconds,
    watermarks.value as watermark,
    ages.pipeline,
    ages.run_id
from ages
left join audit.watermarks on ages.table_name = watermarks.table_name
order by hours_since_success desc nulls first, ages.table_name asc;
