-- grain: one number: order lines held back for a negative quantity
-- reads: audit.quarantine
-- refresh: at the end of the demo
with lines as (
    select distinct
        q.payload ->> 'order_id' as order_id,
        q.payload ->> 'line_number' as line_number
    from audit.quarantine as q
    where q.table_name = 'shop.order_items' and (q.payload ->> 'quantity')::numeric < 0
)

select count(*) as found
from lines
