-- grain: one row per product and store that was ever counted, with its newest count
--     (product_id, store_id)
-- reads: warehouse.fact_inventory_snapshots, warehouse.fact_sales, warehouse.dim_date,
--     warehouse.dim_product, warehouse.dim_store
-- refresh: table
create table mart_inventory as
with newest_business_date as (
    select dim_date.full_date
    from warehouse.dim_date
    where
        dim_date.date_key
        = (select max(fact_sales.date_key) from warehouse.fact_sales where fact_sales.date_key > 0)
),

products as (
    select distinct on (dim_product.product_id)
        dim_product.product_id,
        dim_product.product_name,
        dim_product.category
    from warehouse.dim_product
    where dim_product.product_key > 0
    order by dim_product.product_id asc, dim_product.valid_from desc
),

stores as (
    select distinct on (dim_store.store_id)
        dim_store.store_id,
        dim_store.store_name,
        dim_store.region
    from warehouse.dim_store
    where dim_store.store_key > 0
    order by dim_store.store_id asc, dim_store.valid_from desc
),

-- Counts come every hour and stay for years: each pair is looked up, not found among all of them.
newest_counts as (
    select
        products.product_id,
        products.product_name,
        products.category,
        stores.store_id,
        stores.store_name,
        stores.region,
        counts.counted_at,
        counts.product_key,
        counts.on_hand_quantity,
        counts.reserved_quantity,
        counts.reorder_point_quantity
    from products
    cross join stores
    cross join lateral (
        select
            fact_inventory_snapshots.counted_at,
            fact_inventory_snapshots.product_key,
            fact_inventory_snapshots.on_hand_quantity,
            fact_inventory_snapshots.reserved_quantity,
            fact_inventory_snapshots.reorder_point_quantity
        from warehouse.fact_inventory_snapshots
        where
            fact_inventory_snapshots.product_id = products.product_id
            and fact_inventory_snapshots.store_id = stores.store_id
        order by fact_inventory_snapshots.counted_at desc
        limit 1
    ) as counts
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
            dim_date.full_date > newest_business_date.full_date - 28
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
    (extract(epoch from max(newest_counts.counted_at) over () - newest_counts.counted_at) / 3600)
    ::integer as behind_hours,
    newest_counts.on_hand_quantity,
    newest_counts.reserved_quantity,
    newest_counts.on_hand_quantity - coalesce(newest_counts.reserved_quantity, 0)
        as available_quantity,
    newest_counts.reorder_point_quantity,
    newest_counts.on_hand_quantity < newest_counts.reorder_point_quantity
        as is_below_reorder_point,
    coalesce(sold.sold_quantity, 0)::bigint as sold_28_days_quantity,
    round(coalesce(sold.sold_quantity, 0) / 28.0, 3) as avg_daily_sold_quantity,
    round(newest_counts.on_hand_quantity * 28.0 / nullif(sold.sold_quantity, 0), 1) as cover_days,
    (newest_counts.on_hand_quantity * dim_product.unit_cost)::numeric(18, 2) as stock_cost_amount
from newest_counts
inner join warehouse.dim_product on newest_counts.product_key = dim_product.product_key
left join sold
    on newest_counts.product_id = sold.product_id and newest_counts.store_id = sold.store_id;

alter table mart_inventory add primary key (product_id, store_id);
create index on mart_inventory (cover_days);

comment on table mart_inventory is
'Grain: one product in one store, with its newest count; pairs never counted have no row';
comment on column mart_inventory.product_id is 'Durable number of the product';
comment on column mart_inventory.store_id is 'Durable number of the store';
comment on column mart_inventory.product_name is 'Name of the newest version';
comment on column mart_inventory.category is 'Category of the newest version';
comment on column mart_inventory.store_name is 'Name of the newest version';
comment on column mart_inventory.region is 'Region of the newest version';
comment on column mart_inventory.counted_at is 'Full hour of the newest count, UTC';
comment on column mart_inventory.behind_hours is
'Hours by which this count is older than the newest of all; not additive';
comment on column mart_inventory.on_hand_quantity is
'Units in the store; additive over products and stores';
comment on column mart_inventory.reserved_quantity is
'Units of it that are promised; NULL where the till does not say; additive';
comment on column mart_inventory.available_quantity is 'on hand - reserved; additive';
comment on column mart_inventory.reorder_point_quantity is
'Units below which the store orders more; NULL where it has none; not additive';
comment on column mart_inventory.is_below_reorder_point is
'Less on hand than the reorder point; NULL where there is none';
comment on column mart_inventory.sold_28_days_quantity is
'Units sold in that store in the 28 business dates that end with the newest one; additive';
comment on column mart_inventory.avg_daily_sold_quantity is
'Units sold a day over these 28 dates, days without a sale included; additive';
comment on column mart_inventory.cover_days is
'Days that what is on hand lasts at that pace; NULL where nothing was sold; not additive';
comment on column mart_inventory.stock_cost_amount is
'on hand x cost of one unit when it was counted; NULL while the cost is unknown; additive';
