-- grain: one row per order line that was not cancelled (sale_id)
-- reads: warehouse.fact_sales, warehouse.dim_date, warehouse.dim_customer,
--     warehouse.dim_product, warehouse.dim_category, warehouse.dim_store
-- refresh: view

-- Outer joins on unique keys: no line is ever lost. A filter on month_start_date reaches the fact
-- beneath the window. The quotient is exact whatever the session of a reader adds to divisions.
create or replace view mart_sales as
with dated_lines as (
    select
        fact_sales.sale_id,
        fact_sales.order_id,
        fact_sales.line_number,
        fact_sales.order_status,
        fact_sales.ordered_at,
        fact_sales.customer_key,
        fact_sales.product_key,
        fact_sales.store_key,
        fact_sales.quantity,
        fact_sales.unit_price,
        fact_sales.gross_amount,
        fact_sales.discount_amount,
        fact_sales.net_amount,
        fact_sales.tax_amount,
        fact_sales.shipping_amount,
        fact_sales.total_amount,
        fact_sales.cost_amount,
        fact_sales.profit_amount,
        dim_date.full_date,
        dim_date.year,
        dim_date.quarter,
        dim_date.month_number,
        dim_date.month_name,
        dim_date.full_date - interval (dayofmonth(dim_date.full_date) - 1) day as month_start_date,
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
    round(
        100.00000000000000000000 * dated_lines.profit_amount / nullif(dated_lines.net_amount, 0), 2
    ) as margin_pct,
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
