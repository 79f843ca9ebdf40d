-- grain: keys and indexes of the demo's shop
-- reads: the tables of shop.sql
-- refresh: once, after the opening state is loaded, because that is faster

alter table brands add primary key (brand_name);
alter table categories add primary key (category_name);
alter table stores add primary key (store_id);
alter table customers add primary key (customer_id);
alter table products add primary key (product_id);
alter table product_prices add primary key (price_id);
alter table orders add primary key (order_id);
alter table order_items add primary key (order_item_id);

create index stores_updated_at on stores (updated_at);
create index customers_updated_at on customers (updated_at);
create index products_updated_at on products (updated_at);
create index product_prices_recorded_at on product_prices (recorded_at);
create index orders_updated_at on orders (updated_at);
create index order_items_order_id on order_items (order_id);

analyze brands, categories, stores, customers, products, product_prices, orders, order_items;
