-- Members with versions, each with the events that made them, as loads of long ago would have left them.
insert into history.customer (
    customer_id, effective_at, sequence, source, operation, recorded_at, run_id, city, country,
    customer_segment, registration_date, is_active
)
select
    n, timestamptz '2023-01-01 00:00Z' + v * interval '200 days' + n % 100 * interval '1 day', 0,
    'shop.customers', 'upsert', timestamptz '2025-12-01 00:00Z', 'bench', 'city ' || (n * 7 + v) % 500,
    (array['US', 'DE', 'FR', 'GB'])[n % 4 + 1], (array['new', 'regular', 'vip'])[n % 3 + 1], date '2023-01-01' + n::int % 900,
    true
from generate_series(1, {customers}) as n cross join generate_series(0, 2) as v;
insert into warehouse.dim_customer (
    customer_id, valid_from, valid_to, city, country, customer_segment, registration_date, is_active,
    inserted_run_id, updated_run_id
)
select
    customer_id, effective_at,
    coalesce(
        lead(effective_at) over (partition by customer_id order by effective_at),
        timestamptz '9999-12-31 00:00Z'
    ), city, country, customer_segment, registration_date, is_active, 'bench', 'bench'
from history.customer;
insert into history.product (
    product_id, effective_at, sequence, source, operation, recorded_at, run_id, product_name, brand,
    category, unit_cost, list_price, is_active
)
select
    n, timestamptz '2023-01-01 00:00Z' + v * interval '150 days' + n % 50 * interval '1 day', 0,
    'shop.products', 'upsert', timestamptz '2025-12-01 00:00Z', 'bench', 'product ' || n, null, 'category ' || n % 40,
    5 + v + n % 20, 15 + v + n % 30, true
from generate_series(1, {products}) as n cross join generate_series(0, 4) as v;
insert into warehouse.dim_product (
    product_id, valid_from, valid_to, product_name, category, unit_cost, list_price, is_active,
    inserted_run_id, updated_run_id
)
select
    product_id, effective_at,
    coalesce(
        lead(effective_at) over (partition by product_id order by effective_at),
        timestamptz '9999-12-31 00:00Z'
    ), product_name, category, unit_cost, list_price, is_active, 'bench', 'bench'
from history.product;
insert into history.store (
    store_id, effective_at, sequence, source, operation, recorded_at, run_id, store_name, region
)
select
    n, timestamptz '2023-01-01 00:00Z' + v * interval '300 days', 0, 'shop.stores', 'upsert',
    timestamptz '2025-12-01 00:00Z', 'bench', 'store ' || n, (array['North', 'South', 'East', 'West'])[(n + v) % 4 + 1]
from generate_series(1, {stores}) as n cross join generate_series(0, 1) as v;
insert into warehouse.dim_store (
    store_id, valid_from, valid_to, store_name, region, inserted_run_id, updated_run_id
)
select
    store_id, effective_at,
    coalesce(
        lead(effective_at) over (partition by store_id order by effective_at),
        timestamptz '9999-12-31 00:00Z'
    ), store_name, region, 'bench', 'bench'
from history.store
