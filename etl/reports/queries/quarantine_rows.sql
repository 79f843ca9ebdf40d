-- grain: one row per row in quarantine, the oldest first, row_limit at most
-- reads: audit.quarantine, audit.runs
with newest_run as (
    select max(started_at) as started_at
    from audit.runs
)

select
    quarantine.quarantine_id,
    quarantine.table_name,
    quarantine.rules,
    quarantine.shown_key,
    quarantine.run_id,
    left(quarantine.run_id, 12) as run,
    runs.pipeline,
    runs.started_at,
    cast(
        floor({{ "runs.started_at" | seconds_until("newest_run.started_at") }} / 86400)
        as decimal(12, 0)
    ) as age_days
from audit.quarantine
inner join audit.runs on quarantine.run_id = runs.run_id
cross join newest_run
where quarantine.status = 'open'
order by runs.started_at asc, quarantine.table_name asc, quarantine.quarantine_id asc
limit {{ row_limit }};
