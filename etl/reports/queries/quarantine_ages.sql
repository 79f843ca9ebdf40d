-- grain: one row per table with rows in quarantine; ages are counted back from the newest run
-- reads: audit.quarantine, audit.runs
with newest_run as (
    select max(started_at) as started_at
    from audit.runs
),

waiting as (
    select
        quarantine.table_name,
        runs.started_at,
        {{ "runs.started_at" | seconds_until("newest_run.started_at") }} / 86400 as days
    from audit.quarantine
    inner join audit.runs on quarantine.run_id = runs.run_id
    cross join newest_run
    where quarantine.status = 'open'
)

select
    table_name,
    count(*) as row_count,
    count(case when days < 1 then 1 end) as day_count,
    count(case when days >= 1 and days < 7 then 1 end) as week_count,
    count(case when days >= 7 and days < 28 then 1 end) as month_count,
    count(case when days >= 28 then 1 end) as older_count,
    min(started_at) as oldest_at,
    cast(max(days) as decimal(12, 1)) as oldest_days
from waiting
group by table_name
order by oldest_days desc, table_name asc;
