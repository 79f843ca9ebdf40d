-- grain: one row per product and store below its reorder point or with less than a week of cover
-- reads: marts.mart_inventory
select
    product_id,
    store_id,
    coalesce(product_name, concat('Product ', product_id)) as product_name,
    coalesce(store_name, concat('Store ', store_id)) as store_name,
    category,
    counted_at,
    behind_hours,
    on_hand_quantity,
    reserved_quantity,
    reorder_point_quantity,
    sold_28_days_quantity,
    cover_days
from marts.mart_inventory
where is_below_reorder_point or cover_days < 7
order by
    is_below_reorder_point is true desc,
    cover_days is null asc,
    cover_days asc,
    product_id asc,
    store_id asc
limit 200;
