-- grain: one number: order lines that a correction took away, each once however often a day was run
-- reads: audit.run_tables, audit.runs
-- refresh: at the end of the demo
with days as (
    select max(t.removed) as removed
    from audit.run_tables as t
    inner join audit.runs as r on t.run_id = r.run_id
    where t.name = 'fact_sales' and r.status = 'succeeded'
    group by coalesce(cast(r.business_date as char(10)), r.run_id)
)

select coalesce(sum(d.removed), 0) as found
from days as d
