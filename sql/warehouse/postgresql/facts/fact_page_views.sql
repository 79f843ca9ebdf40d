-- grain: one row per page that a visitor looked at (page_view_id) (law F1)
create table if not exists warehouse.fact_page_views (
    page_view_id text primary key,
    session_id text not null,
    customer_id bigint,
    product_id bigint,
    date_key integer not null references warehouse.dim_date (date_key),
    customer_key bigint not null references warehouse.dim_customer (customer_key),
    product_key bigint not null references warehouse.dim_product (product_key),
    viewed_at timestamptz not null,
    url text,
    page_type text not null,
    seconds_on_page integer,
    session_updated_at timestamptz not null,
    inserted_run_id text not null,
    updated_run_id text not null
);
create index if not exists fact_page_views_session_idx
on warehouse.fact_page_views (session_id, page_type);
create index if not exists fact_page_views_date_idx on warehouse.fact_page_views (date_key);
create index if not exists fact_page_views_customer_idx on warehouse.fact_page_views (customer_key);
create index if not exists fact_page_views_product_idx on warehouse.fact_page_views (product_key);
comment on table warehouse.fact_page_views is
'One row per page of the latest state of its visit; a page that left the visit leaves the fact';
comment on column warehouse.fact_page_views.session_id is 'Visit, as in fact_web_sessions';
comment on column warehouse.fact_page_views.customer_id is
'Durable number of the customer; NULL for a visitor who did not log in';
comment on column warehouse.fact_page_views.product_id is
'Durable number of the product; NULL on a page without one';
comment on column warehouse.fact_page_views.date_key is 'Business date of the view';
comment on column warehouse.fact_page_views.product_key is
'Version of the product at the time of the view; -2 on a page without a product';
comment on column warehouse.fact_page_views.page_type is
'home, category, product, cart, checkout or confirmation';
comment on column warehouse.fact_page_views.seconds_on_page is
'Seconds until the next page; NULL for the last one of a visit; additive';
comment on column warehouse.fact_page_views.session_updated_at is
'When the visit changed last; the newest state of a visit holds';
