-- grain: the tables of the demo's shop as an online shop keeps them, and the state of the demo
-- reads: nothing; replaces what is there
-- refresh: once, before the opening state is loaded; indexes follow in shop_indexes.sql

-- Times are in UTC and carry no zone. Neither orders.customer_id nor order_items.product_id nor
-- (order_id, line_number) is constrained, so that the defects of the demo can be there.

drop table if exists demo_state, order_items, orders, product_prices;
drop table if exists products, stores, customers, categories, brands;

create table brands (
    brand_name text not null,
    brand_description text,
    country_of_origin text
);

create table categories (
    category_name text not null,
    category_description text,
    department text
);

create table stores (
    store_id bigint not null,
    store_name text not null,
    store_type text,
    address_line1 text,
    address_line2 text,
    city text,
    state text,
    postal_code text,
    country text,
    region text,
    district text,
    manager_name text,
    phone text,
    email text,
    opening_date date,
    store_size_sqft integer,
    is_active boolean not null,
    updated_at timestamp(6) not null
);

create table customers (
    customer_id bigint not null,
    first_name text,
    last_name text,
    email text,
    phone text,
    birth_date date,
    gender text,
    address_line1 text,
    address_line2 text,
    city text,
    state text,
    postal_code text,
    country text,
    customer_segment text,
    registration_date date,
    is_active boolean not null,
    updated_at timestamp(6) not null
);

create table products (
    product_id bigint not null,
    product_name text not null,
    product_description text,
    sku text,
    brand text,
    category text,
    subcategory text,
    product_line text,
    size text,
    color text,
    weight numeric(8, 3),
    supplier_name text,
    is_active boolean not null,
    updated_at timestamp(6) not null
);

create table product_prices (
    price_id bigint not null,
    product_id bigint not null,
    valid_from timestamp(6) not null,
    unit_cost numeric(10, 2) not null,
    list_price numeric(10, 2) not null,
    recorded_at timestamp(6) not null
);

create table orders (
    order_id bigint not null,
    customer_id bigint,
    store_id bigint,
    order_date timestamp(6) not null,
    status text not null,
    discount_amount numeric(12, 2),
    tax_amount numeric(12, 2) not null,
    shipping_cost numeric(12, 2) not null,
    total_amount numeric(12, 2) not null,
    updated_at timestamp(6) not null
);

create table order_items (
    order_item_id bigint not null,
    order_id bigint not null,
    line_number integer not null,
    product_id bigint,
    quantity integer not null,
    unit_price numeric(10, 2) not null,
    discount_amount numeric(10, 2)
);

create table demo_state (
    scale numeric(12, 4) not null,
    seed bigint not null,
    first_day date not null,
    days integer not null,
    next_day integer not null
);
