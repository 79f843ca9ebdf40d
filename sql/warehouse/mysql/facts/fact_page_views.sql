-- grain: one row per page that a visitor looked at (page_view_id) (law F1)
create table if not exists warehouse.fact_page_views (
    page_view_id varchar(255) primary key,
    session_id varchar(255) not null comment 'Visit, as in fact_web_sessions',
    customer_id bigint
    comment 'Durable number of the customer; NULL for a visitor who did not log in',
    product_id bigint comment 'Durable number of the product; NULL on a page without one',
    date_key int not null comment 'Business date of the view',
    customer_key bigint not null,
    product_key bigint not null
    comment 'Version of the product at the time of the view; -2 on a page without a product',
    viewed_at datetime(6) not null,
    url longtext,
    page_type varchar(255) not null
    comment 'home, category, product, cart, checkout or confirmation',
    seconds_on_page int
    comment 'Seconds until the next page; NULL for the last one of a visit; additive',
    session_updated_at datetime(6) not null
    comment 'When the visit changed last; the newest state of a visit holds',
    inserted_run_id varchar(64) not null,
    updated_run_id varchar(64) not null,
    foreign key (date_key) references warehouse.dim_date (date_key),
    foreign key (customer_key) references warehouse.dim_customer (customer_key),
    foreign key (product_key) references warehouse.dim_product (product_key),
    index fact_page_views_session_idx (session_id, page_type),
    index fact_page_views_date_idx (date_key),
    index fact_page_views_customer_idx (customer_key),
    index fact_page_views_product_idx (product_key)
) comment {{
    ("One row per page of the latest state of its visit; a page that left the visit leaves the"
    " fact")
    | literal
}};
