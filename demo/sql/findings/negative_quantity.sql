-- grain: one number: order lines held back for a negative quantity
-- reads: audit.quarantine
-- refresh: at the end of the demo
with negative_lines as (
    select distinct
        {{ "q.payload" | json_text("order_id") }} as order_id,
        {{ "q.payload" | json_text("line_number") }} as line_number
    from audit.quarantine as q
    where q.table_name = 'shop.order_items' and cast({{ "q.payload" | json_text("quantity") }} as decimal(20, 4)) < 0
)

select count(*) as found
from negative_lines
