-- grain: one row per business date, the 30 that end with the newest one
-- reads: marts.mart_daily_sales
select
    full_date,
    day_name,
    order_count,
    line_count,
    customer_count,
    gross_amount,
    discount_amount,
    net_amount,
    tax_amount,
    shipping_amount,
    total_amount,
    cost_amount,
    profit_amount,
    margin_pct,
    avg_order_value_amount,
    running_month_net_amount,
    week_mean_amount
from (
    select
        mart_daily_sales.*,
        max(mart_daily_sales.full_date) over () as newest_date,
        case
            when count(*) over last_week = 7
                then round(avg(mart_daily_sales.total_amount) over last_week, 2)
        end as week_mean_amount
    from marts.mart_daily_sales
    window
        last_week as (
            order by mart_daily_sales.full_date rows between 6 preceding and current row
        )
) as days
where full_date > newest_date - interval '30' day
order by full_date;
