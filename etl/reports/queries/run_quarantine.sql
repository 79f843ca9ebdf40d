-- grain: one row per table, rule and state of the rows that a run in run_ids held back
-- reads: audit.quarantine
select
    quarantine.run_id,
    quarantine.table_name,
    broken.rule,
    quarantine.status,
    count(*) as row_count
from audit.quarantine
cross join {{ "quarantine.rules" | elements("broken", "rule") }}
where quarantine.run_id in ({{ run_ids | join(", ") }})
group by quarantine.run_id, quarantine.table_name, broken.rule, quarantine.status
order by
    quarantine.run_id asc,
    quarantine.table_name asc,
    row_count desc,
    broken.rule asc,
    quarantine.status asc;
