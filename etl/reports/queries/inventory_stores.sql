-- grain: one row per store, from the newest count of each product in it
-- reads: marts.mart_inventory
select
    store_id,
    coalesce(max(store_name), 'Store ' || store_id) as store_name,
    max(region) as region,
    max(counted_at) as counted_at,
    count(*) as product_count,
    count(*) filter (where is_below_reorder_point) as below_reorder_point_count,
    count(*) filter (where on_hand_quantity = 0) as empty_count,
    count(*) filter (where on_hand_quantity > 0 and cover_days < 7) as week_count,
    count(*) filter (where on_hand_quantity > 0 and cover_days >= 7 and cover_days <= 28)
        as month_count,
    count(*) filter (where on_hand_quantity > 0 and coalesce(cover_days, 1000) > 28)
        as longer_count,
    round((percentile_cont(0.5) within group (order by cover_days))::numeric, 1)
        as median_cover_days,
    sum(on_hand_quantity) as on_hand_quantity,
    sum(available_quantity) as available_quantity,
    sum(stock_cost_amount) as stock_cost_amount
from marts.mart_inventory
group by store_id
order by store_name, store_id;
