-- grain: one row per table and rule with rows in quarantine; a row may count under two rules
-- reads: audit.quarantine
select
    quarantine.table_name,
    broken.rule,
    count(*) as row_count,
    count(distinct quarantine.run_id) as run_count
from audit.quarantine
cross join {{ "quarantine.rules" | elements("broken", "rule") }}
where quarantine.status = 'open'
group by quarantine.table_name, broken.rule
order by row_count desc, quarantine.table_name asc, broken.rule asc;
