-- grain: one row per customer of the newest scoring (customer_id)
-- reads: warehouse.fact_customer_scores, warehouse.dim_customer
-- refresh: table
create table mart_customer_rfm (
    customer_id bigint primary key comment 'Durable number of the customer',
    scored_at datetime(6)
    comment 'End of the business date up to which orders count, exclusive',
    recency_days int
    comment 'Whole days from the last order to the scoring; not additive',
    order_count int comment 'Orders, cancelled ones left out; additive',
    net_amount decimal(18, 2) comment 'gross - discount of these orders; additive',
    avg_order_net_amount decimal(18, 2) comment 'net / orders; not additive',
    recency_score smallint
    comment '1 to 5, 5 = the fifth that ordered last; not additive',
    frequency_score smallint
    comment '1 to 5, 5 = the fifth with most orders; not additive',
    monetary_score smallint
    comment '1 to 5, 5 = the fifth with the highest net amount; not additive',
    rfm_segment varchar(255)
    comment 'Champions, Loyal, Potential, New, At risk or Lost; score_customers has the rules',
    previous_rfm_segment longtext
    comment 'Segment before the last move (law S12, type 3); NULL before the first one',
    rfm_segment_changed_at datetime(6)
    comment 'Scoring that found the last move; NULL before the first one',
    customer_segment longtext comment 'Segment that the shop gave, of the newest version',
    country longtext comment 'Country of the newest version',
    index segment_idx (rfm_segment, net_amount)
)
comment 'Grain: one durable customer (law F6) of the newest scoring; nobody without an order'
as
with newest_versions as (
    select
        customer_id,
        max(valid_from) as valid_from
    from warehouse.dim_customer
    where customer_id is not null
    group by customer_id
),

customers as (
    select
        dim_customer.customer_id,
        dim_customer.customer_segment,
        dim_customer.country,
        dim_customer.previous_rfm_segment,
        dim_customer.rfm_segment_changed_at
    from newest_versions
    inner join warehouse.dim_customer
        on
            newest_versions.customer_id = dim_customer.customer_id
            and newest_versions.valid_from = dim_customer.valid_from
)

select
    scores.customer_id,
    scores.scored_at,
    scores.recency_days,
    scores.order_count,
    scores.net_amount,
    round(scores.net_amount / scores.order_count, 2) as avg_order_net_amount,
    scores.recency_score,
    scores.frequency_score,
    scores.monetary_score,
    scores.rfm_segment,
    customers.previous_rfm_segment,
    customers.rfm_segment_changed_at,
    customers.customer_segment,
    customers.country
from warehouse.fact_customer_scores as scores
left join customers on scores.customer_id = customers.customer_id
where
    scores.scored_at
    = (select max(newest.scored_at) from warehouse.fact_customer_scores as newest);
