-- grain: one number: second copies of order lines, each once however often a day was run (law S10)
-- reads: audit.run_tables, audit.runs
-- refresh: at the end of the demo
with days as (
    select max(t.dropped) as dropped
    from audit.run_tables as t
    inner join audit.runs as r on t.run_id = r.run_id
    where t.name = 'shop.order_items' and r.status = 'succeeded'
    group by coalesce(cast(r.business_date as char(10)), r.run_id)
)

select coalesce(sum(d.dropped), 0) as found
from days as d
