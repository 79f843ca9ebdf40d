-- grain: one row per month and product sold in it (month_start_date, product_id)
-- reads: warehouse.fact_sales, warehouse.dim_date, warehouse.dim_product
-- refresh: table
create table mart_product_performance (
    month_start_date date comment 'First day of the month',
    product_id bigint comment 'Durable number of the product',
    product_name longtext comment 'Name of the newest version',
    brand longtext comment 'Brand of the newest version',
    category longtext comment 'Category of the newest version',
    order_count bigint comment 'Orders with the product; not additive over products',
    quantity bigint comment 'Units sold; additive',
    net_amount decimal(18, 2) comment 'gross - discount; additive',
    profit_amount decimal(18, 2)
    comment 'net - cost, of lines whose cost is known; additive',
    margin_pct decimal(30, 2)
    comment 'Per cent of net that is profit, over lines with a known cost; not additive',
    share_pct decimal(30, 2)
    comment 'Per cent of the month''s net amount of all products; additive over products',
    revenue_rank bigint
    comment '1 = highest net amount of the month; equal amounts share a rank and leave no gap',
    category_revenue_rank bigint comment 'The same among the products of its category',
    primary key (month_start_date, product_id),
    index rank_idx (month_start_date, revenue_rank)
)
comment 'Grain: one month and one durable product sold in it; cancelled lines left out'
as
with newest_versions as (
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
        dim_product.brand,
        dim_product.category
    from newest_versions
    inner join warehouse.dim_product
        on
            newest_versions.product_id = dim_product.product_id
            and newest_versions.valid_from = dim_product.valid_from
),

month_totals as (
    select
        dim_date.full_date - interval (dayofmonth(dim_date.full_date) - 1) day as month_start_date,
        dim_product.product_id,
        count(distinct fact_sales.order_id) as order_count,
        sum(fact_sales.quantity) as quantity,
        sum(fact_sales.net_amount) as net_amount,
        sum(fact_sales.profit_amount) as profit_amount,
        sum(case when fact_sales.cost_amount is not null then fact_sales.net_amount end)
            as costed_net_amount
    from warehouse.fact_sales
    inner join warehouse.dim_date on fact_sales.date_key = dim_date.date_key
    inner join warehouse.dim_product on fact_sales.product_key = dim_product.product_key
    where
        fact_sales.product_key > 0
        and fact_sales.date_key > 0
        and not fact_sales.is_cancelled
    group by
        dim_date.full_date - interval (dayofmonth(dim_date.full_date) - 1) day,
        dim_product.product_id
),

-- Apart from the ranks: MariaDB orders them wrongly beside a window without an order.
shares as (
    select
        month_totals.*,
        round(
            100 * month_totals.net_amount
            / nullif(
                sum(month_totals.net_amount) over (partition by month_totals.month_start_date), 0
            ),
            2
        ) as share_pct
    from month_totals
)

select
    shares.month_start_date,
    shares.product_id,
    products.product_name,
    products.brand,
    products.category,
    shares.order_count,
    shares.quantity,
    shares.net_amount,
    shares.profit_amount,
    round(100 * shares.profit_amount / nullif(shares.costed_net_amount, 0), 2)
        as margin_pct,
    shares.share_pct,
    dense_rank() over (
        partition by shares.month_start_date order by shares.net_amount desc
    ) as revenue_rank,
    dense_rank() over (
        partition by shares.month_start_date, products.category
        order by shares.net_amount desc
    ) as category_revenue_rank
from shares
inner join products on shares.product_id = products.product_id;
