-- grain: one row per segment of the newest scoring, in the order of %(order)s
-- reads: marts.mart_customer_rfm
select
    rfm_segment,
    max(scored_at) as scored_at,
    count(*) as customer_count,
    round(100.0 * count(*) / sum(count(*)) over (), 1) as customer_share_pct,
    sum(net_amount) as net_amount,
    round(100 * sum(net_amount) / nullif(sum(sum(net_amount)) over (), 0), 1) as net_share_pct,
    sum(order_count) as order_count,
    round(sum(net_amount) / sum(order_count), 2) as avg_order_net_amount,
    percentile_disc(0.5) within group (order by recency_days) as median_recency_days
from marts.mart_customer_rfm
group by rfm_segment
order by array_position(%(order)s, rfm_segment), rfm_segment;
