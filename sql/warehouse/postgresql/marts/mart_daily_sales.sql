-- grain: one row per business date from the first to the newest one of fact_sales (full_date)
-- reads: warehouse.fact_sales, warehouse.dim_date, warehouse.dim_customer
-- refresh: table
create table mart_daily_sales as
with day_totals as (
    select
        date_key,
        count(*) as line_count,
        count(*) filter (where cost_amount is null) as uncosted_line_count,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(net_amount) as net_amount,
        sum(tax_amount) as tax_amount,
        sum(shipping_amount) as shipping_amount,
        sum(total_amount) as total_amount,
        sum(cost_amount) as cost_amount,
        sum(profit_amount) as profit_amount,
        sum(net_amount) filter (where cost_amount is not null) as costed_net_amount
    from warehouse.fact_sales
    where date_key > 0 and not is_cancelled
    group by date_key
),

-- Told apart by themselves: amounts summed up per order would all be sorted with them.
orders as (
    select distinct
        date_key,
        order_id,
        customer_key
    from warehouse.fact_sales
    where date_key > 0 and not is_cancelled
),

day_orders as (
    select
        orders.date_key,
        count(distinct orders.order_id) as order_count,
        count(distinct dim_customer.customer_id) as customer_count
    from orders
    left join warehouse.dim_customer
        on orders.customer_key = dim_customer.customer_key and dim_customer.customer_key > 0
    group by orders.date_key
),

business_dates as (
    select
        dim_date.date_key,
        dim_date.full_date,
        dim_date.day_name,
        dim_date.is_weekend,
        dim_date.is_holiday,
        make_date(dim_date.year, dim_date.month_number, 1) as month_start_date
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
    coalesce(day_orders.order_count, 0) as order_count,
    coalesce(day_totals.line_count, 0)::bigint as line_count,
    coalesce(day_orders.customer_count, 0) as customer_count,
    coalesce(day_totals.gross_amount, 0)::numeric(18, 2) as gross_amount,
    coalesce(day_totals.discount_amount, 0)::numeric(18, 2) as discount_amount,
    coalesce(day_totals.net_amount, 0)::numeric(18, 2) as net_amount,
    coalesce(day_totals.tax_amount, 0)::numeric(18, 2) as tax_amount,
    coalesce(day_totals.shipping_amount, 0)::numeric(18, 2) as shipping_amount,
    coalesce(day_totals.total_amount, 0)::numeric(18, 2) as total_amount,
    coalesce(day_totals.cost_amount, 0)::numeric(18, 2) as cost_amount,
    coalesce(day_totals.profit_amount, 0)::numeric(18, 2) as profit_amount,
    coalesce(day_totals.uncosted_line_count, 0)::bigint as uncosted_line_count,
    round(100 * day_totals.profit_amount / nullif(day_totals.costed_net_amount, 0), 2)
        as margin_pct,
    round(day_totals.total_amount / day_orders.order_count, 2) as avg_order_value_amount,
    sum(coalesce(day_totals.net_amount, 0)) over (
        partition by business_dates.month_start_date
        order by business_dates.full_date
        rows between unbounded preceding and current row
    )::numeric(18, 2) as running_month_net_amount
from business_dates
left join day_totals on business_dates.date_key = day_totals.date_key
left join day_orders on business_dates.date_key = day_orders.date_key
order by business_dates.full_date;

alter table mart_daily_sales add primary key (full_date);

comment on table mart_daily_sales is
'Grain: one business date, zeros without sales; cancelled lines and lines without a date left out';
comment on column mart_daily_sales.full_date is 'Business date of the orders';
comment on column mart_daily_sales.month_start_date is 'First day of the month';
comment on column mart_daily_sales.day_name is 'Name of the weekday';
comment on column mart_daily_sales.is_weekend is 'True on Saturday and Sunday';
comment on column mart_daily_sales.is_holiday is
'True on a holiday of the declared calendar (law F7)';
comment on column mart_daily_sales.order_count is 'Orders, not lines; additive over dates';
comment on column mart_daily_sales.line_count is 'Order lines; additive';
comment on column mart_daily_sales.customer_count is
'Known customers who ordered, each once (law F6); not additive over dates';
comment on column mart_daily_sales.gross_amount is 'quantity x unit price; additive';
comment on column mart_daily_sales.discount_amount is 'Discounts of lines and orders; additive';
comment on column mart_daily_sales.net_amount is 'gross - discount; additive';
comment on column mart_daily_sales.tax_amount is 'Tax; additive';
comment on column mart_daily_sales.shipping_amount is 'Shipping charged; additive';
comment on column mart_daily_sales.total_amount is
'net + tax + shipping: what the customers paid; additive';
comment on column mart_daily_sales.cost_amount is
'Cost of the units sold, of lines whose cost is known; additive';
comment on column mart_daily_sales.profit_amount is
'net - cost, of lines whose cost is known; additive';
comment on column mart_daily_sales.uncosted_line_count is
'Lines whose cost is unknown yet; additive';
comment on column mart_daily_sales.margin_pct is
'Per cent of net that is profit, over lines with a known cost; NULL without any; not additive';
comment on column mart_daily_sales.avg_order_value_amount is
'total / orders, not lines; NULL on a day without orders; not additive';
comment on column mart_daily_sales.running_month_net_amount is
'Net from the first day of the month up to this one; not additive';
