-- grain: one number: customers with a gap between two versions (law S3)
-- reads: warehouse.dim_customer
-- refresh: at the end of the demo
with neighbours as (
    select
        c.customer_id,
        c.valid_to,
        lead(c.valid_from) over (partition by c.customer_id order by c.valid_from) as next_from
    from warehouse.dim_customer as c
)

select count(distinct n.customer_id) as found
from neighbours as n
where n.next_from > n.valid_to
