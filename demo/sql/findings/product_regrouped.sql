-- grain: one number: products that went to another brand or category
-- reads: warehouse.dim_product
-- refresh: at the end of the demo
with neighbours as (
    select
        p.product_id,
        coalesce(p.brand, '') as brand,
        coalesce(p.category, '') as category,
        lag(coalesce(p.brand, '')) over by_time as brand_before,
        lag(coalesce(p.category, '')) over by_time as category_before
    from warehouse.dim_product as p
    where p.product_key > 0
    window by_time as (partition by p.product_id order by p.valid_from)
)

select count(distinct n.product_id) as found
from neighbours as n
where n.brand != n.brand_before or n.category != n.category_before
