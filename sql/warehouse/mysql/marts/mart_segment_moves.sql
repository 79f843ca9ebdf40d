-- grain: one row per scoring, segment before and segment after
--     (scored_at, previous_rfm_segment, rfm_segment)
-- reads: warehouse.fact_customer_scores, warehouse.dim_date
-- refresh: table
create table mart_segment_moves (
    scored_at datetime(6)
    comment 'Scoring that found the customers where they are; compared with the one before it',
    full_date date
    comment 'Business date of the scoring: the day after the last one that counts',
    previous_rfm_segment varchar(255)
    comment 'Segment of the scoring before; (not scored) for customers who had no order then',
    rfm_segment varchar(255)
    comment 'Segment of this scoring; (not scored) for customers who left',
    is_move boolean comment 'False for those who stayed where they were',
    customer_count bigint comment 'Customers; additive over segments, not over scorings',
    share_pct decimal(30, 2)
    comment 'Per cent of the customers who were in the segment before; not additive',
    primary key (scored_at, previous_rfm_segment, rfm_segment)
)
comment 'Grain: one scoring but the first, the segment before it and the one after; no persons'
as
with scorings as (
    select
        scored_at,
        date_key,
        lag(scored_at) over (order by scored_at) as previous_scored_at
    from warehouse.fact_customer_scores
    group by scored_at, date_key
),

placed as (
    select
        scorings.scored_at,
        scores.customer_id,
        scores.rfm_segment,
        cast(null as char(255)) as previous_rfm_segment
    from scorings
    inner join warehouse.fact_customer_scores as scores on scorings.scored_at = scores.scored_at
    where scorings.previous_scored_at is not null
    union all
    select
        scorings.scored_at,
        scores.customer_id,
        cast(null as char(255)) as rfm_segment,
        scores.rfm_segment as previous_rfm_segment
    from scorings
    inner join warehouse.fact_customer_scores as scores
        on scorings.previous_scored_at = scores.scored_at
),

steps as (
    select
        scored_at,
        customer_id,
        coalesce(max(previous_rfm_segment), '(not scored)') as previous_rfm_segment,
        coalesce(max(rfm_segment), '(not scored)') as rfm_segment
    from placed
    group by scored_at, customer_id
)

select
    steps.scored_at,
    dim_date.full_date,
    steps.previous_rfm_segment,
    steps.rfm_segment,
    steps.previous_rfm_segment != steps.rfm_segment as is_move,
    count(*) as customer_count,
    round(
        100.0 * count(*)
        / sum(count(*)) over (partition by steps.scored_at, steps.previous_rfm_segment), 2
    ) as share_pct
from steps
inner join scorings on steps.scored_at = scorings.scored_at
left join warehouse.dim_date on scorings.date_key = dim_date.date_key
group by
    steps.scored_at,
    dim_date.full_date,
    steps.previous_rfm_segment,
    steps.rfm_segment;
