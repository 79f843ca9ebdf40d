-- grain: one number: orders whose lines were first loaded for a later day than that of the order
-- reads: warehouse.fact_sales, audit.runs
-- refresh: at the end of the demo
with first_run as (
    select min(r.business_date) as business_date
    from audit.runs as r
    where r.status = 'succeeded'
),

late as (
    select s.order_id
    from warehouse.fact_sales as s
    inner join audit.runs as r on s.inserted_run_id = r.run_id
    inner join first_run as f on r.business_date > f.business_date
    group by s.order_id
    having min(r.business_date) > min(cast(s.ordered_at as date))
)

select count(*) as found
from late
