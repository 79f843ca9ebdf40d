-- grain: one row per table, rule and state of the rows that a run in %(run_ids)s held back
-- reads: audit.quarantine
select
    quarantine.run_id,
    quarantine.table_name,
    broken.rule,
    quarantine.status,
    count(*) as row_count
from audit.quarantine
cross join lateral unnest(quarantine.rules) as broken (rule)
where quarantine.run_id = any(%(run_ids)s)
group by quarantine.run_id, quarantine.table_name, broken.rule, quarantine.status
order by
    quarantine.run_id asc,
    quarantine.table_name asc,
    row_count desc,
    broken.rule asc,
    quarantine.status asc;
