-- grain: one row per visit to the web shop (session_id), in its latest state (law F1)
create table if not exists warehouse.fact_web_sessions (
    session_id text primary key,
    customer_id bigint,
    date_key integer not null references warehouse.dim_date (date_key),
    customer_key bigint not null references warehouse.dim_customer (customer_key),
    started_at timestamptz not null,
    ended_at timestamptz,
    duration_seconds integer,
    device_type text,
    browser text,
    utm_source text,
    utm_medium text,
    utm_campaign text,
    country text,
    landing_page text,
    updated_at timestamptz not null,
    inserted_run_id text not null,
    updated_run_id text not null
);
create index if not exists fact_web_sessions_date_idx on warehouse.fact_web_sessions (date_key);
create index if not exists fact_web_sessions_customer_idx
on warehouse.fact_web_sessions (customer_key);
comment on table warehouse.fact_web_sessions is
'One row per visit to the web shop, in the latest state that the analytics service told';
comment on column warehouse.fact_web_sessions.date_key is 'Business date on which the visit began';
comment on column warehouse.fact_web_sessions.customer_key is
'Version of the customer when the visit began; -1 for a visitor who did not log in';
comment on column warehouse.fact_web_sessions.customer_id is
'Durable number of the customer; NULL for a visitor who did not log in';
comment on column warehouse.fact_web_sessions.ended_at is 'NULL while the visit goes on';
comment on column warehouse.fact_web_sessions.duration_seconds is
'Seconds from start to end; NULL while the visit goes on; additive';
comment on column warehouse.fact_web_sessions.utm_medium is
'Kind of the link that led here; NULL for a visitor who typed the address';
comment on column warehouse.fact_web_sessions.country is 'ISO 3166 code of two letters';
comment on column warehouse.fact_web_sessions.updated_at is
'When the analytics service changed the visit last';
