-- grain: one row per table, rule and run with rows in quarantine; a row may count under two rules
-- reads: audit.quarantine, audit.runs
-- Ages are those at the newest run, so that the same warehouse gives the same page.
select
    quarantine.table_name,
    broken.rule,
    runs.pipeline,
    quarantine.run_id,
    runs.started_at,
    count(*) as row_count,
    extract(
        day from (select max(newest.started_at) from audit.runs as newest) - runs.started_at
    )::integer as age_days
from audit.quarantine
inner join audit.runs on quarantine.run_id = runs.run_id
cross join lateral unnest(quarantine.rules) as broken (rule)
where quarantine.status = 'open'
group by
    quarantine.table_name, broken.rule, runs.pipeline, quarantine.run_id, runs.started_at
order by
    runs.started_at asc, row_count desc, quarantine.table_name asc, broken.rule asc;
