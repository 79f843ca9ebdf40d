-- grain: one row per store, from the newest count of each product in it
-- reads: marts.mart_inventory
with ranked as (
    select
        mart_inventory.*,
        -- Of those with a cover, which come first.
        row_number() over (
            partition by mart_inventory.store_id
            order by mart_inventory.cover_days is null, mart_inventory.cover_days
        ) as cover_place,
        count(mart_inventory.cover_days) over (partition by mart_inventory.store_id) as cover_count
    from marts.mart_inventory
)

select
    store_id,
    coalesce(max(store_name), concat('Store ', store_id)) as store_name,
    max(region) as region,
    max(counted_at) as counted_at,
    count(*) as product_count,
    count(case when is_below_reorder_point then 1 end) as below_reorder_point_count,
    count(case when on_hand_quantity = 0 then 1 end) as empty_count,
    count(case when on_hand_quantity > 0 and cover_days < 7 then 1 end) as week_count,
    count(case when on_hand_quantity > 0 and cover_days >= 7 and cover_days <= 28 then 1 end)
        as month_count,
    count(case when on_hand_quantity > 0 and coalesce(cover_days, 1000) > 28 then 1 end)
        as longer_count,
    -- The median: the one in the middle, or the mean of the two.
    round(
        avg(case when 2 * cover_place between cover_count and cover_count + 2 then cover_days end), 1
    ) as median_cover_days,
    cast(sum(on_hand_quantity) as decimal(20, 0)) as on_hand_quantity,
    cast(sum(available_quantity) as decimal(20, 0)) as available_quantity,
    sum(stock_cost_amount) as stock_cost_amount
from ranked
group by store_id
order by store_name, store_id;
