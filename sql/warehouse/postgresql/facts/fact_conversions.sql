-- grain: one row per purchase that the analytics service saw (conversion_id) (law F1)
create table if not exists warehouse.fact_conversions (
    conversion_id text primary key,
    session_id text not null,
    order_id bigint,
    date_key integer not null references warehouse.dim_date (date_key),
    converted_at timestamptz not null,
    revenue_amount numeric(14, 2) not null,
    currency_code text not null,
    exchange_rate numeric(18, 8) not null,
    revenue_usd_amount numeric(14, 2) not null,
    updated_at timestamptz not null,
    inserted_run_id text not null,
    updated_run_id text not null
);
create index if not exists fact_conversions_session_idx on warehouse.fact_conversions (session_id);
create index if not exists fact_conversions_order_idx on warehouse.fact_conversions (order_id);
create index if not exists fact_conversions_date_idx on warehouse.fact_conversions (date_key);
comment on table warehouse.fact_conversions is
'One row per purchase at the end of a visit, in the latest state that the analytics service told';
comment on column warehouse.fact_conversions.session_id is 'Visit, as in fact_web_sessions';
comment on column warehouse.fact_conversions.order_id is 'Order of the shop, as in fact_sales';
comment on column warehouse.fact_conversions.date_key is 'Business date of the purchase';
comment on column warehouse.fact_conversions.revenue_amount is
'In currency_code, as the service told it; additive within one currency only';
comment on column warehouse.fact_conversions.exchange_rate is
'US dollars for one unit of the currency on the day, carried forward (law F4); not additive';
comment on column warehouse.fact_conversions.revenue_usd_amount is 'In US dollars; additive';
