-- grain: one number: products that sales name and the source never delivered (law S17)
-- reads: warehouse.dim_product, warehouse.fact_sales
-- refresh: at the end of the demo
select count(distinct p.product_id) as found
from warehouse.dim_product as p
where
    p.is_inferred
    and p.product_key > 0
    and exists (
        select 1 from warehouse.fact_sales as s
        where s.product_key = p.product_key
    )
