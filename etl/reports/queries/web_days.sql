-- grain: one row per business date on which visits began, the 30 that end with the newest one
-- reads: marts.mart_conversion_funnel
select
    full_date,
    sum(session_count) as session_count,
    sum(product_session_count) as product_session_count,
    sum(cart_session_count) as cart_session_count,
    sum(checkout_session_count) as checkout_session_count,
    sum(converted_session_count) as converted_session_count,
    sum(conversion_count) as conversion_count,
    sum(order_count) as order_count,
    sum(revenue_amount) as revenue_amount,
    sum(order_total_amount) as order_total_amount,
    sum(page_view_count) as page_view_count,
    round(100.0 * sum(converted_session_count) / nullif(sum(session_count), 0), 2)
        as conversion_pct,
    round(1.0 * sum(duration_seconds) / nullif(sum(session_count), 0), 1) as avg_duration_seconds
from marts.mart_conversion_funnel
where full_date > (select max(newest.full_date) - interval '30' day from marts.mart_conversion_funnel as newest)
group by full_date
order by full_date;
