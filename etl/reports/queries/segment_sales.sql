-- grain: one row per segment at the time of sale, from first_date to newest_date
-- reads: marts.mart_sales
with sales as (
    select
        customer_segment,
        order_id,
        customer_id,
        net_amount,
        total_amount,
        cost_amount,
        profit_amount
    from marts.mart_sales
    -- The month reaches the fact beneath the mart's window function, the date alone does not.
    where
        month_start_date >= {{ first_month }}
        and full_date >= {{ first_date }}
        and full_date <= {{ newest_date }}
)

select
    customer_segment,
    count(distinct customer_id) as customer_count,
    count(distinct order_id) as order_count,
    sum(total_amount) as total_amount,
    round(100 * sum(total_amount) / nullif(sum(sum(total_amount)) over (), 0), 2) as share_pct,
    sum(net_amount) as net_amount,
    round(sum(total_amount) / count(distinct order_id), 2) as avg_order_value_amount,
    sum(profit_amount) as profit_amount,
    round(
        100 * sum(profit_amount)
        / nullif(sum(case when cost_amount is not null then net_amount end), 0), 2
    ) as margin_pct
from sales
group by customer_segment
order by total_amount desc, customer_segment asc;
