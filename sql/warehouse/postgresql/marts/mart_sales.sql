-- grain: one row per order line that was not cancelled (sale_id)
-- reads: warehouse.fact_sales, warehouse.dim_date, warehouse.dim_customer,
--     warehouse.dim_product, warehouse.dim_category, warehouse.dim_store
-- refresh: view

-- Outer joins on unique keys: no line is ever lost, and PostgreSQL leaves out every dimension that
-- a query does not ask for. A filter on month_start_date reaches the fact beneath the window.
create or replace view mart_sales as
with dated_lines as (
    select
        fact_sales.*,
        dim_date.full_date,
        dim_date.year,
        dim_date.quarter,
        dim_date.month_number,
        dim_date.month_name,
        make_date(dim_date.year, dim_date.month_number, 1) as month_start_date,
        dim_date.day_name,
        dim_date.is_weekend,
        dim_date.is_holiday
    from warehouse.fact_sales
    left join warehouse.dim_date on fact_sales.date_key = dim_date.date_key
    where not fact_sales.is_cancelled
)

select
    dated_lines.sale_id,
    dated_lines.order_id,
    dated_lines.line_number,
    dated_lines.order_status,
    dated_lines.ordered_at,
    dated_lines.full_date,
    dated_lines.year,
    dated_lines.quarter,
    dated_lines.month_number,
    dated_lines.month_name,
    dated_lines.month_start_date,
    dated_lines.day_name,
    dated_lines.is_weekend,
    dated_lines.is_holiday,
    case when dated_lines.customer_key > 0 then dim_customer.customer_id end as customer_id,
    coalesce(
        case
            when dated_lines.ordered_at < dim_customer.customer_segment_changed_at
                then dim_customer.previous_customer_segment
            else dim_customer.customer_segment
        end,
        '(unknown)'
    ) as customer_segment,
    dim_customer.city as customer_city,
    dim_customer.state as customer_state,
    dim_customer.country as customer_country,
    case when dated_lines.product_key > 0 then dim_product.product_id end as product_id,
    dim_product.product_name,
    dim_product.sku,
    dim_product.brand,
    dim_product.category,
    dim_category.department,
    case when dated_lines.store_key > 0 then dim_store.store_id end as store_id,
    dim_store.store_name,
    dim_store.store_type,
    dim_store.city as store_city,
    dim_store.region as store_region,
    dated_lines.quantity,
    dated_lines.unit_price,
    dated_lines.gross_amount,
    dated_lines.discount_amount,
    dated_lines.net_amount,
    dated_lines.tax_amount,
    dated_lines.shipping_amount,
    dated_lines.total_amount,
    dated_lines.cost_amount,
    dated_lines.profit_amount,
    round(100 * dated_lines.profit_amount / nullif(dated_lines.net_amount, 0), 2) as margin_pct,
    sum(dated_lines.net_amount) over (
        partition by dated_lines.month_start_date
        order by
            dated_lines.full_date,
            dated_lines.ordered_at,
            dated_lines.order_id,
            dated_lines.line_number
        rows between unbounded preceding and current row
    ) as running_month_net_amount
from dated_lines
left join warehouse.dim_customer on dated_lines.customer_key = dim_customer.customer_key
left join warehouse.dim_product on dated_lines.product_key = dim_product.product_key
left join warehouse.dim_category on dim_product.category_key = dim_category.category_key
left join warehouse.dim_store on dated_lines.store_key = dim_store.store_key;

comment on view mart_sales is
'Grain: one order line, of orders not cancelled; attributes as valid at the time of the order';
comment on column mart_sales.sale_id is 'Identity of the line in fact_sales';
comment on column mart_sales.order_id is 'Order number of the shop';
comment on column mart_sales.line_number is 'Position within the order';
comment on column mart_sales.order_status is 'Status of the order in its latest state';
comment on column mart_sales.ordered_at is 'Instant of the order, UTC';
comment on column mart_sales.full_date is 'Business date of the order; NULL when unknown';
comment on column mart_sales.year is 'Calendar year';
comment on column mart_sales.quarter is 'Calendar quarter, 1 to 4';
comment on column mart_sales.month_number is 'Calendar month, 1 to 12';
comment on column mart_sales.month_name is 'Name of the month';
comment on column mart_sales.month_start_date is 'First day of the month; a filter on it is fast';
comment on column mart_sales.day_name is 'Name of the weekday';
comment on column mart_sales.is_weekend is 'True on Saturday and Sunday';
comment on column mart_sales.is_holiday is 'True on a holiday of the declared calendar (law F7)';
comment on column mart_sales.customer_id is
'Durable number of the customer (law F6); NULL when unknown';
comment on column mart_sales.customer_segment is
'Segment at the time of the order, as far back as the previous one is kept (law S12, type 3)';
comment on column mart_sales.customer_city is 'City at the time of the order';
comment on column mart_sales.customer_state is 'State at the time of the order';
comment on column mart_sales.customer_country is 'Country at the time of the order';
comment on column mart_sales.product_id is 'Durable number of the product; NULL when unknown';
comment on column mart_sales.product_name is 'Name of the product today';
comment on column mart_sales.sku is 'Stock keeping unit';
comment on column mart_sales.brand is 'Brand at the time of the order';
comment on column mart_sales.category is 'Category at the time of the order';
comment on column mart_sales.department is 'Department of that category';
comment on column mart_sales.store_id is
'Durable number of the store; NULL for an order without a store';
comment on column mart_sales.store_name is 'Name of the store';
comment on column mart_sales.store_type is 'Kind of store';
comment on column mart_sales.store_city is 'City of the store';
comment on column mart_sales.store_region is 'Region of the store at the time of the order';
comment on column mart_sales.quantity is 'Units sold; additive';
comment on column mart_sales.unit_price is 'Price of one unit as sold; not additive';
comment on column mart_sales.gross_amount is 'quantity x unit price; additive';
comment on column mart_sales.discount_amount is 'Discounts of line and order; additive';
comment on column mart_sales.net_amount is 'gross - discount; additive';
comment on column mart_sales.tax_amount is 'Share of the order''s tax (law F3); additive';
comment on column mart_sales.shipping_amount is 'Share of the order''s shipping (law F3); additive';
comment on column mart_sales.total_amount is
'net + tax + shipping: what the customer paid; additive';
comment on column mart_sales.cost_amount is 'Cost of the units; NULL while unknown; additive';
comment on column mart_sales.profit_amount is
'net - cost; NULL while the cost is unknown; additive';
comment on column mart_sales.margin_pct is 'Per cent of net that is profit; not additive';
comment on column mart_sales.running_month_net_amount is
'Net from the first line of the month up to this one, by date, time, order and line; not additive';
