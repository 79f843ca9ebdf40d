-- grain: one row per table, rule and run with rows in quarantine; a row may count under two rules
-- reads: audit.quarantine, audit.runs
-- Ages are those at the newest run, so that the same warehouse gives the same page.
with newest_run as (
    select max(started_at) as started_at
    from audit.runs
),

waiting as (
    select
        quarantine.table_name,
        broken.rule,
        quarantine.run_id,
        count(*) as row_count
    from audit.quarantine
    cross join {{ "quarantine.rules" | elements("broken", "rule") }}
    where quarantine.status = 'open'
    group by quarantine.table_name, broken.rule, quarantine.run_id
)

select
    waiting.table_name,
    waiting.rule,
    runs.pipeline,
    waiting.run_id,
    runs.started_at,
    waiting.row_count,
    cast(
        floor({{ "runs.started_at" | seconds_until("newest_run.started_at") }} / 86400)
        as decimal(12, 0)
    ) as age_days
from waiting
inner join audit.runs on waiting.run_id = runs.run_id
cross join newest_run
order by
    runs.started_at asc, waiting.row_count desc, waiting.table_name asc, waiting.rule asc;
