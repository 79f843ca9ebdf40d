-- grain: the tables of the demo's shop as an online shop keeps them, and the state of the demo
-- reads: nothing; replaces what is there
-- refresh: once, before the opening state is loaded; indexes follow in shop_indexes.sql

-- Times are in UTC and carry no zone. Neither orders.customer_id nor order_items.product_id nor
-- (order_id, line_number) is constrained, so that the defects of the demo can be there.

drop table if exists demo_state, order_items, orders, product_prices;
drop table if exists products, stores, customers, categories, brands;

create table brands (
    brand_name varchar(120) collate utf8mb4_bin not null,
    brand_description text,
    country_of_origin varchar(2),
    primary key (brand_name)
) engine = innodb default charset = utf8mb4;

create table categories (
    category_name varchar(120) collate utf8mb4_bin not null,
    category_description text,
    department varchar(200),
    primary key (category_name)
) engine = innodb default charset = utf8mb4;

create table stores (
    store_id bigint not null,
    store_name varchar(200) not null,
    store_type varchar(200),
    address_line1 varchar(200),
    address_line2 varchar(200),
    city varchar(200),
    state varchar(80),
    postal_code varchar(20),
    country varchar(2),
    region varchar(200),
    district varchar(200),
    manager_name varchar(200),
    phone varchar(40),
    email varchar(254),
    opening_date date,
    store_size_sqft integer,
    is_active boolean not null,
    updated_at datetime(6) not null,
    primary key (store_id)
) engine = innodb default charset = utf8mb4;

create table customers (
    customer_id bigint not null,
    first_name varchar(200),
    last_name varchar(200),
    email varchar(254),
    phone varchar(40),
    birth_date date,
    gender varchar(10),
    address_line1 varchar(200),
    address_line2 varchar(200),
    city varchar(200),
    state varchar(80),
    postal_code varchar(20),
    country varchar(2),
    customer_segment varchar(40),
    registration_date date,
    is_active boolean not null,
    updated_at datetime(6) not null,
    primary key (customer_id)
) engine = innodb default charset = utf8mb4;

create table products (
    product_id bigint not null,
    product_name varchar(200) not null,
    product_description text,
    sku varchar(40),
    brand varchar(120) collate utf8mb4_bin,
    category varchar(120) collate utf8mb4_bin,
    subcategory varchar(200),
    product_line varchar(200),
    size varchar(200),
    color varchar(200),
    weight decimal(8, 3),
    supplier_name varchar(200),
    is_active boolean not null,
    updated_at datetime(6) not null,
    primary key (product_id)
) engine = innodb default charset = utf8mb4;

create table product_prices (
    price_id bigint not null,
    product_id bigint not null,
    valid_from datetime(6) not null,
    unit_cost decimal(10, 2) not null,
    list_price decimal(10, 2) not null,
    recorded_at datetime(6) not null,
    primary key (price_id)
) engine = innodb default charset = utf8mb4;

create table orders (
    order_id bigint not null,
    customer_id bigint,
    store_id bigint,
    order_date datetime(6) not null,
    status varchar(20) not null,
    discount_amount decimal(12, 2),
    tax_amount decimal(12, 2) not null,
    shipping_cost decimal(12, 2) not null,
    total_amount decimal(12, 2) not null,
    updated_at datetime(6) not null,
    primary key (order_id)
) engine = innodb default charset = utf8mb4;

create table order_items (
    order_item_id bigint not null,
    order_id bigint not null,
    line_number integer not null,
    product_id bigint,
    quantity integer not null,
    unit_price decimal(10, 2) not null,
    discount_amount decimal(10, 2),
    primary key (order_item_id)
) engine = innodb default charset = utf8mb4;

create table demo_state (
    scale decimal(12, 4) not null,
    seed bigint not null,
    first_day date not null,
    days integer not null,
    next_day integer not null
) engine = innodb default charset = utf8mb4;
