-- grain: one row per product, store and hour of a count (product_id, store_id, counted_at) (F1)
create table if not exists warehouse.fact_inventory_snapshots (
    product_id bigint not null,
    store_id bigint not null,
    counted_at datetime(6) not null comment 'Full hour of the count, UTC',
    date_key int not null comment 'Business date of the count',
    product_key bigint not null,
    store_key bigint not null,
    on_hand_quantity int not null
    comment 'Units in the store at the hour; additive over products and stores, never over time',
    reserved_quantity int
    comment {{
        ("Units of it that are promised to orders; NULL where the till does not say; additive"
        " over products and stores, never over time")
        | literal
    }},
    reorder_point_quantity int
    comment 'Units below which the store orders more; NULL where it has none; not additive',
    exported_at datetime(6) not null
    comment 'When the till wrote the file; the newest export of a count holds',
    source_file longtext not null
    comment {{
        ("Path of the file below the address of the source; audit.files says when it was loaded")
        | literal
    }},
    inserted_run_id varchar(64) not null,
    updated_run_id varchar(64) not null,
    primary key (product_id, store_id, counted_at),
    foreign key (date_key) references warehouse.dim_date (date_key),
    foreign key (product_key) references warehouse.dim_product (product_key),
    foreign key (store_key) references warehouse.dim_store (store_key),
    index fact_inventory_snapshots_date_idx (date_key),
    index fact_inventory_snapshots_product_idx (product_key),
    index fact_inventory_snapshots_store_idx (store_key)
) comment {{
    ("One row per product, store and full hour of a count; of several exports the newest holds")
    | literal
}};
