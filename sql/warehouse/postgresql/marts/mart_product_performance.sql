-- grain: one row per month and product sold in it (month_start_date, product_id)
-- reads: warehouse.fact_sales, warehouse.dim_date, warehouse.dim_product
-- refresh: table
create table mart_product_performance as
with products as (
    select distinct on (dim_product.product_id)
        dim_product.product_id,
        dim_product.product_name,
        dim_product.brand,
        dim_product.category
    from warehouse.dim_product
    where dim_product.product_key > 0
    order by dim_product.product_id asc, dim_product.valid_from desc
),

month_totals as (
    select
        make_date(dim_date.year, dim_date.month_number, 1) as month_start_date,
        dim_product.product_id,
        count(distinct fact_sales.order_id) as order_count,
        sum(fact_sales.quantity) as quantity,
        sum(fact_sales.net_amount) as net_amount,
        sum(fact_sales.profit_amount) as profit_amount,
        sum(fact_sales.net_amount) filter (where fact_sales.cost_amount is not null)
            as costed_net_amount
    from warehouse.fact_sales
    inner join warehouse.dim_date on fact_sales.date_key = dim_date.date_key
    inner join warehouse.dim_product on fact_sales.product_key = dim_product.product_key
    where
        fact_sales.product_key > 0
        and fact_sales.date_key > 0
        and not fact_sales.is_cancelled
    group by make_date(dim_date.year, dim_date.month_number, 1), dim_product.product_id
)

select
    month_totals.month_start_date,
    month_totals.product_id,
    products.product_name,
    products.brand,
    products.category,
    month_totals.order_count,
    month_totals.quantity::bigint as quantity,
    month_totals.net_amount::numeric(18, 2) as net_amount,
    month_totals.profit_amount::numeric(18, 2) as profit_amount,
    round(100 * month_totals.profit_amount / nullif(month_totals.costed_net_amount, 0), 2)
        as margin_pct,
    round(
        100 * month_totals.net_amount
        / nullif(sum(month_totals.net_amount) over (partition by month_totals.month_start_date), 0),
        2
    ) as share_pct,
    dense_rank() over (
        partition by month_totals.month_start_date order by month_totals.net_amount desc
    ) as revenue_rank,
    dense_rank() over (
        partition by month_totals.month_start_date, products.category
        order by month_totals.net_amount desc
    ) as category_revenue_rank
from month_totals
inner join products on month_totals.product_id = products.product_id;

alter table mart_product_performance add primary key (month_start_date, product_id);
create index on mart_product_performance (month_start_date, revenue_rank);

comment on table mart_product_performance is
'Grain: one month and one durable product sold in it; cancelled lines left out';
comment on column mart_product_performance.month_start_date is 'First day of the month';
comment on column mart_product_performance.product_id is 'Durable number of the product';
comment on column mart_product_performance.product_name is 'Name of the newest version';
comment on column mart_product_performance.brand is 'Brand of the newest version';
comment on column mart_product_performance.category is 'Category of the newest version';
comment on column mart_product_performance.order_count is
'Orders with the product; not additive over products';
comment on column mart_product_performance.quantity is 'Units sold; additive';
comment on column mart_product_performance.net_amount is 'gross - discount; additive';
comment on column mart_product_performance.profit_amount is
'net - cost, of lines whose cost is known; additive';
comment on column mart_product_performance.margin_pct is
'Per cent of net that is profit, over lines with a known cost; not additive';
comment on column mart_product_performance.share_pct is
'Per cent of the month''s net amount of all products; additive over products';
comment on column mart_product_performance.revenue_rank is
'1 = highest net amount of the month; equal amounts share a rank and leave no gap';
comment on column mart_product_performance.category_revenue_rank is
'The same among the products of its category';
