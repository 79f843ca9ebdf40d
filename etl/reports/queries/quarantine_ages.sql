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
        newest_run.started_at - runs.started_at as age
    from audit.quarantine
    inner join audit.runs on quarantine.run_id = runs.run_id
    cross join newest_run
    where quarantine.status = 'open'
)

select
    table_name,
    count(*) as row_count,
    count(*) filter (where age < interval '1 day') as day_count,
    count(*) filter (where age >= interval '1 day' and age < interval '7 days') as week_count,
    count(*) filter (where age >= interval '7 days' and age < interval '28 days') as month_count,
    count(*) filter (where age >= interval '28 days') as older_count,
    min(started_at) as oldest_at,
    (extract(epoch from max(age)) / 86400)::numeric(12, 1) as oldest_days
from waiting
group by table_name
order by oldest_days desc, table_name asc;
