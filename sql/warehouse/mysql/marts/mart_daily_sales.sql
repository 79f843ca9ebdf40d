-- grain: one row per business date from the first to the newest one of fact_sales (full_date)
-- reads: warehouse.fact_sales, warehouse.dim_date, warehouse.dim_customer
-- refresh: table
create table mart_daily_sales (
    full_date date primary key comment 'Business date of the orders',
    month_start_date date comment 'First day of the month',
    day_name varchar(255) comment 'Name of the weekday',
    is_weekend boolean comment 'True on Saturday and Sunday',
    is_holiday boolean comment 'True on a holiday of the declared calendar (law F7)',
    order_count bigint comment 'Orders, not lines; additive over dates',
    line_count bigint comment 'Order lines; additive',
    customer_count bigint
    comment 'Known customers who ordered, each once (law F6); not additive over dates',
    gross_amount decimal(18, 2) comment 'quantity x unit price; additive',
    discount_amount decimal(18, 2) comment 'Discounts of lines and orders; additive',
    net_amount decimal(18, 2) comment 'gross - discount; additive',
    tax_amount decimal(18, 2) comment 'Tax; additive',
    shipping_amount decimal(18, 2) comment 'Shipping charged; additive',
    total_amount decimal(18, 2)
    comment 'net + tax + shipping: what the customers paid; additive',
    cost_amount decimal(18, 2)
    comment 'Cost of the units sold, of lines whose cost is known; additive',
    profit_amount decimal(18, 2)
    comment 'net - cost, of lines whose cost is known; additive',
    uncosted_line_count bigint comment 'Lines whose cost is unknown yet; additive',
    margin_pct decimal(30, 2)
    comment 'Per cent of net that is profit, over lines with a known cost; not additive',
    avg_order_value_amount decimal(18, 2)
    comment 'total / orders, not lines; NULL on a day without orders; not additive',
    running_month_net_amount decimal(18, 2)
    comment 'Net from the first day of the month up to this one; not additive'
)
comment
'Grain: one business date, zeros without sales; cancelled lines and lines without a date left out'
as
with order_totals as (
    select
        date_key,
        order_id,
        customer_key,
        count(*) as line_count,
        count(case when cost_amount is null then 1 end) as uncosted_line_count,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(net_amount) as net_amount,
        sum(tax_amount) as tax_amount,
        sum(shipping_amount) as shipping_amount,
        sum(total_amount) as total_amount,
        sum(cost_amount) as cost_amount,
        sum(profit_amount) as profit_amount,
        sum(case when cost_amount is not null then net_amount end) as costed_net_amount
    from warehouse.fact_sales
    where date_key > 0 and not is_cancelled
    group by date_key, order_id, customer_key
),

day_totals as (
    select
        order_totals.date_key,
        count(distinct order_totals.order_id) as order_count,
        count(distinct dim_customer.customer_id) as customer_count,
        sum(order_totals.line_count) as line_count,
        sum(order_totals.uncosted_line_count) as uncosted_line_count,
        sum(order_totals.gross_amount) as gross_amount,
        sum(order_totals.discount_amount) as discount_amount,
        sum(order_totals.net_amount) as net_amount,
        sum(order_totals.tax_amount) as tax_amount,
        sum(order_totals.shipping_amount) as shipping_amount,
        sum(order_totals.total_amount) as total_amount,
        sum(order_totals.cost_amount) as cost_amount,
        sum(order_totals.profit_amount) as profit_amount,
        sum(order_totals.costed_net_amount) as costed_net_amount
    from order_totals
    left join warehouse.dim_customer
        on order_totals.customer_key = dim_customer.customer_key and dim_customer.customer_key > 0
    group by order_totals.date_key
),

business_dates as (
    select
        dim_date.date_key,
        dim_date.full_date,
        dim_date.day_name,
        dim_date.is_weekend,
        dim_date.is_holiday,
        dim_date.full_date - interval (dayofmonth(dim_date.full_date) - 1) day as month_start_date
    from warehouse.dim_date
    where
        dim_date.date_key between
        (select min(fact_sales.date_key) from warehouse.fact_sales where fact_sales.date_key > 0)
        and (select max(fact_sales.date_key) from warehouse.fact_sales)
)

select
    business_dates.full_date,
    business_dates.month_start_date,
    business_dates.day_name,
    business_dates.is_weekend,
    business_dates.is_holiday,
    coalesce(day_totals.order_count, 0) as order_count,
    coalesce(day_totals.line_count, 0) as line_count,
    coalesce(day_totals.customer_count, 0) as customer_count,
    coalesce(day_totals.gross_amount, 0) as gross_amount,
    coalesce(day_totals.discount_amount, 0) as discount_amount,
    coalesce(day_totals.net_amount, 0) as net_amount,
    coalesce(day_totals.tax_amount, 0) as tax_amount,
    coalesce(day_totals.shipping_amount, 0) as shipping_amount,
    coalesce(day_totals.total_amount, 0) as total_amount,
    coalesce(day_totals.cost_amount, 0) as cost_amount,
    coalesce(day_totals.profit_amount, 0) as profit_amount,
    coalesce(day_totals.uncosted_line_count, 0) as uncosted_line_count,
    round(100 * day_totals.profit_amount / nullif(day_totals.costed_net_amount, 0), 2)
        as margin_pct,
    round(day_totals.total_amount / day_totals.order_count, 2) as avg_order_value_amount,
    sum(coalesce(day_totals.net_amount, 0)) over (
        partition by business_dates.month_start_date
        order by business_dates.full_date
        rows between unbounded preceding and current row
    ) as running_month_net_amount
from business_dates
left join day_totals on business_dates.date_key = day_totals.date_key;
