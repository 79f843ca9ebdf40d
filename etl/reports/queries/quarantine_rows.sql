-- grain: one row per row in quarantine, the oldest first, %(row_limit)s at most
-- reads: audit.quarantine, audit.runs
select
    quarantine.quarantine_id,
    quarantine.table_name,
    array_to_string(quarantine.rules, ', ') as rules,
    quarantine.shown_key,
    quarantine.run_id,
    left(quarantine.run_id, 12) as run,
    runs.pipeline,
    runs.started_at,
    extract(
        day from (select max(newest.started_at) from audit.runs as newest) - runs.started_at
    )::integer as age_days
from audit.quarantine
inner join audit.runs on quarantine.run_id = runs.run_id
where quarantine.status = 'open'
order by runs.started_at asc, quarantine.table_name asc, quarantine.quarantine_id asc
limit %(row_limit)s;
