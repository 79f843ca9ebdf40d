-- grain: one row per product, the 50 best of the newest month
-- reads: marts.mart_product_performance
with newest as (
    select max(month_start_date) as month_start_date
    from marts.mart_product_performance
)

select
    performance.month_start_date,
    performance.product_id,
    performance.product_name,
    performance.brand,
    performance.category,
    performance.order_count,
    performance.quantity,
    performance.net_amount,
    performance.profit_amount,
    performance.margin_pct,
    performance.share_pct,
    performance.revenue_rank,
    performance.category_revenue_rank,
    month_before.revenue_rank as previous_revenue_rank
from marts.mart_product_performance as performance
inner join newest on performance.month_start_date = newest.month_start_date
left join marts.mart_product_performance as month_before
    on
        performance.product_id = month_before.product_id
        and month_before.month_start_date = newest.month_start_date - interval '1' month
order by performance.revenue_rank, performance.product_id
limit 50;
