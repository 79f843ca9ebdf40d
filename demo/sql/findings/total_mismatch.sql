-- grain: one number: orders held back because their total does not add up
-- reads: audit.quarantine
-- refresh: at the end of the demo
select count(distinct {{ "q.payload" | json_text("order_id") }}) as found
from audit.quarantine as q
where q.table_name = 'shop.orders'
