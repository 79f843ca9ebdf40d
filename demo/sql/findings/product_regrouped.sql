-- grain: one number: products that went to another brand or category
-- reads: warehouse.dim_product
-- refresh: at the end of the demo
with neighbours as (
    select
        p.product_id,
        row(p.brand, p.category) as grouping,
        lag(row(p.brand, p.category)) over by_time as grouping_before,
        row_number() over by_time as position
    from warehouse.dim_product as p
    where p.product_key > 0
    window by_time as (partition by p.product_id order by p.valid_from)
)

select count(distinct n.product_id) as found
from neighbours as n
where n.position > 1 and n.grouping is distinct from n.grouping_before
