-- grain: one row per segment of the newest scoring, in a given order
-- reads: marts.mart_customer_rfm
with ranked as (
    select
        mart_customer_rfm.*,
        row_number() over (partition by rfm_segment order by recency_days) as recency_place,
        count(*) over (partition by rfm_segment) as segment_count
    from marts.mart_customer_rfm
)

select
    rfm_segment,
    max(scored_at) as scored_at,
    count(*) as customer_count,
    round(100.0 * count(*) / sum(count(*)) over (), 1) as customer_share_pct,
    sum(net_amount) as net_amount,
    round(100 * sum(net_amount) / nullif(sum(sum(net_amount)) over (), 0), 1) as net_share_pct,
    cast(sum(order_count) as decimal(20, 0)) as order_count,
    round(sum(net_amount) / sum(order_count), 2) as avg_order_net_amount,
    -- The median: of two in the middle the smaller one.
    max(case when 2 * recency_place between segment_count and segment_count + 1 then recency_days end)
        as median_recency_days
from ranked
group by rfm_segment
order by
    {{ "rfm_segment" | place_in(order) }},
    rfm_segment;
