-- grain: one row per product and store that was ever counted, with its newest count
--     (product_id, store_id)
-- reads: warehouse.fact_inventory_snapshots, warehouse.fact_sales, warehouse.dim_date,
--     warehouse.dim_product, warehouse.dim_store
-- refresh: table
create table mart_inventory (
    product_id bigint comment 'Durable number of the product',
    store_id bigint comment 'Durable number of the store',
    product_name longtext comment 'Name of the newest version',
    category longtext comment 'Category of the newest version',
    store_name longtext comment 'Name of the newest version',
    region longtext comment 'Region of the newest version',
    counted_at datetime(6) comment 'Full hour of the newest count, UTC',
    behind_hours int
    comment 'Hours by which this count is older than the newest of all; not additive',
    on_hand_quantity int comment 'Units in the store; additive over products and stores',
    reserved_quantity int
    comment 'Units of it that are promised; NULL where the till does not say; additive',
    available_quantity int comment 'on hand - reserved; additive',
    reorder_point_quantity int
    comment 'Units below which the store orders more; NULL where it has none; not additive',
    is_below_reorder_point boolean
    comment 'Less on hand than the reorder point; NULL where there is none',
    sold_28_days_quantity bigint
    comment 'Units sold there in the 28 business dates that end with the newest one; additive',
    avg_daily_sold_quantity decimal(24, 3)
    comment 'Units sold a day over these 28 dates, days without a sale included; additive',
    cover_days decimal(24, 1)
    comment 'Days that what is on hand lasts at that pace; NULL where nothing was sold',
    stock_cost_amount decimal(18, 2)
    comment 'on hand x cost of one unit when it was counted; NULL while unknown; additive',
    primary key (product_id, store_id),
    index cover_idx (cover_days)
)
comment 'Grain: one product in one store, with its newest count; pairs never counted have no row'
as
with newest_business_date as (
    select dim_date.full_date
    from warehouse.dim_date
    where
        dim_date.date_key
        = (select max(fact_sales.date_key) from warehouse.fact_sales where fact_sales.date_key > 0)
),

newest_product_versions as (
    select
        product_id,
        max(valid_from) as valid_from
    from warehouse.dim_product
    where product_id is not null
    group by product_id
),

products as (
    select
        dim_product.product_id,
        dim_product.product_name,
        dim_product.category
    from newest_product_versions as newest
    inner join warehouse.dim_product
        on newest.product_id = dim_product.product_id and newest.valid_from = dim_product.valid_from
),

newest_store_versions as (
    select
        store_id,
        max(valid_from) as valid_from
    from warehouse.dim_store
    where store_id is not null
    group by store_id
),

stores as (
    select
        dim_store.store_id,
        dim_store.store_name,
        dim_store.region
    from newest_store_versions as newest
    inner join warehouse.dim_store
        on newest.store_id = dim_store.store_id and newest.valid_from = dim_store.valid_from
),

-- Counts come every hour and stay for years: the key leaps from pair to pair.
newest_hours as (
    select
        product_id,
        store_id,
        max(counted_at) as counted_at
    from warehouse.fact_inventory_snapshots
    group by product_id, store_id
),

-- No window over all counts: MariaDB looks through all of them for each.
newest_hour as (
    select max(counted_at) as counted_at
    from newest_hours
),

newest_counts as (
    select
        counts.product_id,
        products.product_name,
        products.category,
        counts.store_id,
        stores.store_name,
        stores.region,
        counts.counted_at,
        counts.product_key,
        counts.on_hand_quantity,
        counts.reserved_quantity,
        counts.reorder_point_quantity
    from newest_hours
    inner join warehouse.fact_inventory_snapshots as counts
        on
            newest_hours.product_id = counts.product_id
            and newest_hours.store_id = counts.store_id
            and newest_hours.counted_at = counts.counted_at
    inner join products on counts.product_id = products.product_id
    inner join stores on counts.store_id = stores.store_id
),

sold as (
    select
        dim_product.product_id,
        dim_store.store_id,
        sum(fact_sales.quantity) as sold_quantity
    from warehouse.fact_sales
    inner join warehouse.dim_date on fact_sales.date_key = dim_date.date_key
    inner join newest_business_date
        on
            dim_date.full_date > newest_business_date.full_date - interval 28 day
            and dim_date.full_date <= newest_business_date.full_date
    inner join warehouse.dim_product on fact_sales.product_key = dim_product.product_key
    inner join warehouse.dim_store on fact_sales.store_key = dim_store.store_key
    where
        not fact_sales.is_cancelled
        and fact_sales.product_key > 0
        and fact_sales.store_key > 0
    group by dim_product.product_id, dim_store.store_id
)

select
    newest_counts.product_id,
    newest_counts.store_id,
    newest_counts.product_name,
    newest_counts.category,
    newest_counts.store_name,
    newest_counts.region,
    newest_counts.counted_at,
    timestampdiff(microsecond, newest_counts.counted_at, newest_hour.counted_at) / 3600000000
        as behind_hours,
    newest_counts.on_hand_quantity,
    newest_counts.reserved_quantity,
    newest_counts.on_hand_quantity - coalesce(newest_counts.reserved_quantity, 0)
        as available_quantity,
    newest_counts.reorder_point_quantity,
    newest_counts.on_hand_quantity < newest_counts.reorder_point_quantity
        as is_below_reorder_point,
    coalesce(sold.sold_quantity, 0) as sold_28_days_quantity,
    round(coalesce(sold.sold_quantity, 0) / 28.0, 3) as avg_daily_sold_quantity,
    round(newest_counts.on_hand_quantity * 28.0 / nullif(sold.sold_quantity, 0), 1) as cover_days,
    newest_counts.on_hand_quantity * dim_product.unit_cost as stock_cost_amount
from newest_counts
cross join newest_hour
inner join warehouse.dim_product on newest_counts.product_key = dim_product.product_key
left join sold
    on newest_counts.product_id = sold.product_id and newest_counts.store_id = sold.store_id;
