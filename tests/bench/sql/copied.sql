-- grain: one row per order and per order line, with what travels badly: accents, quotes, tabs, newlines, NULLs
-- reads: the sequence engine of MariaDB
create table orders (
    order_id bigint not null primary key,
    customer_id bigint,
    store_id bigint,
    ordered_at datetime(6) not null,
    status varchar(20) not null,
    discount_amount decimal(12, 2),
    tax_amount decimal(12, 2) not null,
    shipping_amount decimal(12, 2) not null,
    total_amount decimal(12, 2) not null,
    updated_at datetime(6) not null
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;

create table order_items (
    order_item_id bigint not null primary key,
    order_id bigint not null,
    line_number integer not null,
    product_id bigint,
    quantity integer not null,
    unit_price decimal(10, 2) not null,
    discount_amount decimal(10, 2),
    note varchar(200),
    updated_at datetime(6) not null
) engine = innodb default charset = utf8mb4 collate = utf8mb4_bin;

insert into orders
select
    n,
    if(n % 10 = 0, null, n * 7919 % 100000),
    if(n % 3 = 0, n % 20 + 1, null),
    timestamp'2025-01-01 00:00:00' + interval n % 30000000 second + interval n % 1000000 microsecond,
    elt(n % 6 + 1, 'placed', 'paid', 'shipped', 'delivered', 'cancelled', 'returned'),
    if(n % 4 = 0, n % 500 / 100, null),
    n % 10000 / 100,
    4.90,
    n * 31 % 1000000 / 100,
    timestamp'2025-06-01 00:00:00' + interval n % 30000000 second + interval n % 999983 microsecond
from (select seq as n from seq_1_to_{orders}) as s;

insert into order_items
select
    n,
    (n + 2) div 3,
    (n + 2) % 3 + 1,
    if(n % 50 = 0, null, n * 104729 % 10000 + 1),
    n % 9 + 1,
    n * 17 % 100000 / 100,
    if(n % 5 = 0, n % 300 / 100, null),
    case n % 8
        when 0 then null
        when 1 then ''
        when 2 then concat('Größe "', n % 100, '", naïve façade')
        when 3 then concat('tab\there, line\nthere, back\\slash ', n)
        when 4 then 'gift wrap, please'
        when 5 then concat('№ ', n, ' für Frau Müller 🎁')
        when 6 then concat('it''s ', repeat('long ', n % 20))
        else concat('plain note ', n)
    end,
    timestamp'2025-06-01 00:00:00' + interval n div 3 % 30000000 second + interval n % 999983 microsecond
from (select seq as n from seq_1_to_{lines}) as s;

create index orders_updated_at on orders (updated_at);
create index order_items_updated_at on order_items (updated_at);
analyze table orders, order_items;
