-- grain: one number: products with two prices from one day on (law S7)
-- reads: history.product
-- refresh: at the end of the demo
with days as (
    select
        h.product_id,
        cast(h.effective_at as date) as price_date
    from history.product as h
    where h.source = 'shop.product_prices'
    group by h.product_id, cast(h.effective_at as date)
    having count(distinct h.effective_at) > 1
)

select count(*) as found
from days
