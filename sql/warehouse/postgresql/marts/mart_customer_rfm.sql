-- grain: one row per customer of the newest scoring (customer_id)
-- reads: warehouse.fact_customer_scores, warehouse.dim_customer
-- refresh: table
create table mart_customer_rfm as
with newest_scores as (
    select
        customer_id,
        scored_at,
        recency_days,
        order_count,
        net_amount,
        recency_score,
        frequency_score,
        monetary_score,
        rfm_segment
    from warehouse.fact_customer_scores
    where scored_at = (select max(scores.scored_at) from warehouse.fact_customer_scores as scores)
),

customers as (
    select distinct on (dim_customer.customer_id)
        dim_customer.customer_id,
        dim_customer.customer_segment,
        dim_customer.country,
        dim_customer.previous_rfm_segment,
        dim_customer.rfm_segment_changed_at
    from warehouse.dim_customer
    where dim_customer.customer_key > 0
    order by dim_customer.customer_id asc, dim_customer.valid_from desc
)

select
    newest_scores.customer_id,
    newest_scores.scored_at,
    newest_scores.recency_days,
    newest_scores.order_count,
    newest_scores.net_amount,
    round(newest_scores.net_amount / newest_scores.order_count, 2) as avg_order_net_amount,
    newest_scores.recency_score,
    newest_scores.frequency_score,
    newest_scores.monetary_score,
    newest_scores.rfm_segment,
    customers.previous_rfm_segment,
    customers.rfm_segment_changed_at,
    customers.customer_segment,
    customers.country
from newest_scores
left join customers on newest_scores.customer_id = customers.customer_id;

alter table mart_customer_rfm add primary key (customer_id);
create index on mart_customer_rfm (rfm_segment, net_amount);

comment on table mart_customer_rfm is
'Grain: one durable customer (law F6) of the newest scoring; without an order nobody is scored';
comment on column mart_customer_rfm.customer_id is 'Durable number of the customer';
comment on column mart_customer_rfm.scored_at is
'End of the business date up to which orders count, exclusive';
comment on column mart_customer_rfm.recency_days is
'Whole days from the last order to the scoring; not additive';
comment on column mart_customer_rfm.order_count is 'Orders, cancelled ones left out; additive';
comment on column mart_customer_rfm.net_amount is 'gross - discount of these orders; additive';
comment on column mart_customer_rfm.avg_order_net_amount is 'net / orders; not additive';
comment on column mart_customer_rfm.recency_score is
'1 to 5, 5 = the fifth that ordered last; not additive';
comment on column mart_customer_rfm.frequency_score is
'1 to 5, 5 = the fifth with most orders; not additive';
comment on column mart_customer_rfm.monetary_score is
'1 to 5, 5 = the fifth with the highest net amount; not additive';
comment on column mart_customer_rfm.rfm_segment is
'Champions, Loyal, Potential, New, At risk or Lost; the function score_customers has the rules';
comment on column mart_customer_rfm.previous_rfm_segment is
'Segment before the last move (law S12, type 3); NULL before the first one';
comment on column mart_customer_rfm.rfm_segment_changed_at is
'Scoring that found the last move; NULL before the first one';
comment on column mart_customer_rfm.customer_segment is
'Segment that the shop gave, of the newest version';
comment on column mart_customer_rfm.country is 'Country of the newest version';
