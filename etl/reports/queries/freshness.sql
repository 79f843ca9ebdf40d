-- grain: one row per source table, backfills aside, the longest without success first
-- reads: audit.windows, audit.runs, audit.watermarks
-- Instants of a source are held against those of the same source only (law X4), and the end of
-- the last success against the begin of the newest run of all: the day of reading changes nothing.
with planned as (
    select
        windows.table_name,
        substring(
            windows.table_name from 1 for position('.' in concat(windows.table_name, '.')) - 1
        ) as source,
        windows.as_of_at,
        windows.high_at,
        runs.run_id,
        runs.pipeline,
        runs.status,
        runs.started_at,
        runs.finished_at,
        row_number() over (
            partition by windows.table_name
            order by runs.started_at desc, runs.run_id desc
        ) as attempt
    from audit.windows
    inner join audit.runs on windows.run_id = runs.run_id
    where windows.moves_watermark
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

attempts as (
    select
        table_name,
        count(*) as attempt_count,
        min(case when status = 'succeeded' then attempt end) as succeeded_attempt
    from planned
    group by table_name
),

ages as (
    select
        planned.table_name,
        planned.status as newest_status,
        planned.run_id as newest_run_id,
        coalesce(successes.attempt - 1, attempts.attempt_count) as attempts_since,
        successes.finished_at as succeeded_at,
        cast(
            {{ "successes.finished_at"
                | seconds_until("greatest(newest_run.started_at, successes.finished_at)") }}
            / 3600 as decimal(12, 3)
        ) as hours_since_success,
        successes.as_of_at,
        cast(
            {{ "successes.as_of_at" | seconds_until("newest_instants.as_of_at") }}
            / 3600 as decimal(12, 1)
        ) as behind_hours,
        cast(
            {{ "successes.high_at"
                | seconds_until("greatest(successes.as_of_at, successes.high_at)") }}
            as decimal(12, 0)
        ) as lag_seconds,
        coalesce(successes.pipeline, planned.pipeline) as pipeline,
        successes.run_id
    from planned
    cross join newest_run
    inner join newest_instants on planned.source = newest_instants.source
    inner join attempts on planned.table_name = attempts.table_name
    left join planned as successes
        on
            attempts.table_name = successes.table_name
            and attempts.succeeded_attempt = successes.attempt
    where planned.attempt = 1
)

select
    ages.table_name,
    ages.newest_status,
    ages.newest_run_id,
    ages.attempts_since,
    ages.succeeded_at,
    ages.hours_since_success,
    ages.as_of_at,
    ages.behind_hours,
    ages.lag_seconds,
    watermarks.value as watermark,
    ages.pipeline,
    ages.run_id
from ages
left join audit.watermarks on ages.table_name = watermarks.table_name
order by
    ages.hours_since_success is null desc,
    ages.hours_since_success desc,
    ages.table_name asc;
