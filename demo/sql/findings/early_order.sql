-- grain: one number: customers whom an order named before they were delivered (law S17)
-- reads: history.customer
-- refresh: at the end of the demo
select count(distinct h.customer_id) as found
from history.customer as h
where h.operation = 'inferred'
