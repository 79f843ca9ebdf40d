-- grain: one number: customers who changed their segment
-- reads: warehouse.dim_customer
-- refresh: at the end of the demo
select count(distinct c.customer_id) as found
from warehouse.dim_customer as c
where c.customer_segment_changed_at is not null
