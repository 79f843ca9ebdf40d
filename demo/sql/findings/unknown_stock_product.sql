-- grain: one number: products that a store counted and the shop never delivered (law S17)
-- reads: warehouse.fact_inventory_snapshots, warehouse.dim_product
-- refresh: at the end of the demo
select count(distinct p.product_id) as found
from warehouse.fact_inventory_snapshots as i
inner join warehouse.dim_product as p on i.product_key = p.product_key
where p.is_inferred and p.product_key > 0
