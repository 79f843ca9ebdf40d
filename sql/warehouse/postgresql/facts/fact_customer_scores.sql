-- grain: one row per customer and scoring (customer_id, scored_at) (law F1)
create table if not exists warehouse.fact_customer_scores (
    customer_id bigint not null,
    scored_at timestamptz not null,
    date_key integer not null references warehouse.dim_date (date_key),
    customer_key bigint not null references warehouse.dim_customer (customer_key),
    recency_days integer not null,
    order_count integer not null,
    net_amount numeric(18, 2) not null,
    recency_score smallint not null check (recency_score between 1 and 5),
    frequency_score smallint not null check (frequency_score between 1 and 5),
    monetary_score smallint not null check (monetary_score between 1 and 5),
    rfm_segment text not null,
    inserted_run_id text not null,
    updated_run_id text not null,
    primary key (customer_id, scored_at)
);
create index if not exists fact_customer_scores_scored_at_idx
on warehouse.fact_customer_scores (scored_at);
create index if not exists fact_customer_scores_customer_idx
on warehouse.fact_customer_scores (customer_key);
comment on table warehouse.fact_customer_scores is
'One row per customer with an order and weekly scoring; warehouse.score_customers makes them';
comment on column warehouse.fact_customer_scores.scored_at is
'End of the business date up to which orders count, exclusive';
comment on column warehouse.fact_customer_scores.date_key is
'Business date on which scored_at lies: the day after the last one that counts';
comment on column warehouse.fact_customer_scores.customer_key is
'Version of the customer at the time of the scoring';
comment on column warehouse.fact_customer_scores.recency_days is
'Whole days from the last order to the scoring; not additive';
comment on column warehouse.fact_customer_scores.order_count is
'Orders since ever, cancelled ones left out; additive over customers, not over scorings';
comment on column warehouse.fact_customer_scores.net_amount is
'gross - discount of these orders; additive over customers, not over scorings';
comment on column warehouse.fact_customer_scores.recency_score is
'Fifth of all scored customers, 5 = ordered most recently; not additive';
comment on column warehouse.fact_customer_scores.frequency_score is
'Fifth of all scored customers, 5 = most orders; not additive';
comment on column warehouse.fact_customer_scores.monetary_score is
'Fifth of all scored customers, 5 = highest net amount; not additive';
comment on column warehouse.fact_customer_scores.rfm_segment is
'Champions, Loyal, Potential, New, At risk or Lost';
