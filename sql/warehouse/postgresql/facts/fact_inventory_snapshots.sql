-- grain: one row per product, store and hour of a count (product_id, store_id, counted_at) (F1)
create table if not exists warehouse.fact_inventory_snapshots (
    product_id bigint not null,
    store_id bigint not null,
    counted_at timestamptz not null,
    date_key integer not null references warehouse.dim_date (date_key),
    product_key bigint not null references warehouse.dim_product (product_key),
    store_key bigint not null references warehouse.dim_store (store_key),
    on_hand_quantity integer not null,
    reserved_quantity integer,
    reorder_point_quantity integer,
    exported_at timestamptz not null,
    source_file text not null,
    inserted_run_id text not null,
    updated_run_id text not null,
    primary key (product_id, store_id, counted_at)
);
create index if not exists fact_inventory_snapshots_date_idx
on warehouse.fact_inventory_snapshots (date_key);
create index if not exists fact_inventory_snapshots_product_idx
on warehouse.fact_inventory_snapshots (product_key);
create index if not exists fact_inventory_snapshots_store_idx
on warehouse.fact_inventory_snapshots (store_key);
comment on table warehouse.fact_inventory_snapshots is
'One row per product, store and full hour of a count; of several exports the newest holds';
comment on column warehouse.fact_inventory_snapshots.counted_at is 'Full hour of the count, UTC';
comment on column warehouse.fact_inventory_snapshots.date_key is 'Business date of the count';
comment on column warehouse.fact_inventory_snapshots.on_hand_quantity is
'Units in the store at the hour; additive over products and stores, never over time';
comment on column warehouse.fact_inventory_snapshots.reserved_quantity is
'Units of it that are promised to orders; NULL where the till does not say;'
' additive over products and stores, never over time';
comment on column warehouse.fact_inventory_snapshots.reorder_point_quantity is
'Units below which the store orders more; NULL where it has none; not additive';
comment on column warehouse.fact_inventory_snapshots.exported_at is
'When the till wrote the file; the newest export of a count holds';
comment on column warehouse.fact_inventory_snapshots.source_file is
'Path of the file below the address of the source; audit.files says when it was loaded';
