-- grain: one number: products that facts name and the source never delivered (law S17)
-- reads: warehouse.dim_product
-- refresh: at the end of the demo
select count(distinct p.product_id) as found
from warehouse.dim_product as p
where p.is_inferred and p.product_key > 0
