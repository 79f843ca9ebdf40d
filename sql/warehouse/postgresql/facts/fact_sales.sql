-- grain: one row per order line (order_id, line_number), in the latest state of its order (law F1)
create table if not exists warehouse.fact_sales (
    sale_id bigint generated always as identity primary key,
    order_id bigint not null,
    line_number integer not null,
    date_key integer not null references warehouse.dim_date (date_key),
    customer_key bigint not null references warehouse.dim_customer (customer_key),
    product_key bigint not null references warehouse.dim_product (product_key),
    store_key bigint not null references warehouse.dim_store (store_key),
    ordered_at timestamptz not null,
    order_status text not null,
    is_cancelled boolean not null,
    quantity integer not null,
    unit_price numeric(10, 2) not null,
    gross_amount numeric(14, 2) not null,
    discount_amount numeric(14, 2) not null,
    net_amount numeric(14, 2) not null,
    tax_amount numeric(14, 2) not null,
    shipping_amount numeric(14, 2) not null,
    total_amount numeric(14, 2) not null,
    cost_amount numeric(14, 2),
    profit_amount numeric(14, 2),
    inserted_run_id text not null,
    updated_run_id text not null,
    unique (order_id, line_number),
    check (net_amount = gross_amount - discount_amount),
    check (total_amount = net_amount + tax_amount + shipping_amount),
    check (profit_amount = net_amount - cost_amount)
);
create index if not exists fact_sales_date_idx on warehouse.fact_sales (date_key);
create index if not exists fact_sales_customer_idx on warehouse.fact_sales (customer_key);
create index if not exists fact_sales_product_idx on warehouse.fact_sales (product_key);
create index if not exists fact_sales_store_idx on warehouse.fact_sales (store_key);
create index if not exists fact_sales_amount_idx on warehouse.fact_sales (total_amount);
comment on table warehouse.fact_sales is
'One row per order line. Cancelled lines stay, flagged; marts and reports leave them out';
comment on column warehouse.fact_sales.gross_amount is 'quantity x unit_price; additive';
comment on column warehouse.fact_sales.discount_amount is
'Discount of the line and its share of the order''s discount, to the cent (law F3); additive';
comment on column warehouse.fact_sales.net_amount is 'gross - discount; additive';
comment on column warehouse.fact_sales.tax_amount is 'Share of the order''s tax (law F3); additive';
comment on column warehouse.fact_sales.shipping_amount is
'Share of the order''s shipping (law F3); additive';
comment on column warehouse.fact_sales.total_amount is
'net + tax + shipping; adds up to the order''s total';
comment on column warehouse.fact_sales.cost_amount is
'quantity x cost of the product''s version at the time of the order;'
' NULL while that is unknown; additive';
comment on column warehouse.fact_sales.profit_amount is
'net - cost; NULL while the cost is unknown; additive';
comment on column warehouse.fact_sales.unit_price is 'Price of one unit as sold; not additive';
