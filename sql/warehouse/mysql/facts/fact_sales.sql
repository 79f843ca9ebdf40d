-- grain: one row per order line (order_id, line_number), in the latest state of its order (law F1)
create table if not exists warehouse.fact_sales (
    sale_id bigint auto_increment primary key,
    order_id bigint not null,
    line_number int not null,
    date_key int not null,
    customer_key bigint not null,
    product_key bigint not null,
    store_key bigint not null,
    ordered_at datetime(6) not null,
    order_status varchar(255) not null,
    is_cancelled boolean not null,
    quantity int not null,
    unit_price decimal(10, 2) not null comment 'Price of one unit as sold; not additive',
    gross_amount decimal(14, 2) not null comment 'quantity x unit_price; additive',
    discount_amount decimal(14, 2) not null
    comment {{
        ("Discount of the line and its share of the order's discount, to the cent (law F3);"
        " additive")
        | literal
    }},
    net_amount decimal(14, 2) not null comment 'gross - discount; additive',
    tax_amount decimal(14, 2) not null comment 'Share of the order''s tax (law F3); additive',
    shipping_amount decimal(14, 2) not null
    comment 'Share of the order''s shipping (law F3); additive',
    total_amount decimal(14, 2) not null
    comment 'net + tax + shipping; adds up to the order''s total',
    cost_amount decimal(14, 2)
    comment {{
        ("quantity x cost of the product's version at the time of the order; NULL while that is"
        " unknown; additive")
        | literal
    }},
    profit_amount decimal(14, 2) comment 'net - cost; NULL while the cost is unknown; additive',
    inserted_run_id varchar(64) not null,
    updated_run_id varchar(64) not null,
    unique (order_id, line_number),
    foreign key (date_key) references warehouse.dim_date (date_key),
    foreign key (customer_key) references warehouse.dim_customer (customer_key),
    foreign key (product_key) references warehouse.dim_product (product_key),
    foreign key (store_key) references warehouse.dim_store (store_key),
    check (net_amount = gross_amount - discount_amount),
    check (total_amount = net_amount + tax_amount + shipping_amount),
    check (profit_amount = net_amount - cost_amount),
    index fact_sales_date_idx (date_key),
    index fact_sales_customer_idx (customer_key),
    index fact_sales_product_idx (product_key),
    index fact_sales_store_idx (store_key),
    index fact_sales_amount_idx (total_amount)
) comment {{
    ("One row per order line. Cancelled lines stay, flagged; marts and reports leave them out")
    | literal
}};
