-- grain: the rows of the demo's shop in a given size, in tables that demo/sql/mysql/shop.sql makes
-- reads: the sequence engine of MariaDB
insert into brands
select
    concat('Brand ', lpad(n, 3, '0')),
    concat('Things made by brand ', n),
    elt(n % 4 + 1, 'US', 'DE', 'JP', 'FR')
from (select seq as n from seq_1_to_200) as s;

insert into categories
select
    concat('Category ', lpad(n, 2, '0')),
    concat('All of category ', n),
    concat('Department ', n % 8)
from (select seq as n from seq_1_to_50) as s;

insert into stores
select
    n, concat('Store ', n), 'flagship', concat(n, ' Main Street'), null, concat('City ', n), 'NY', '10001', 'US',
    concat('Region ', n % 4), concat('District ', n % 8), concat('Manager ', n), concat('+1212555', lpad(n, 4, '0')),
    concat('store', n, '@example.com'), '2015-03-01', 5000 + n, true, timestamp'2024-06-01 00:00:00'
from (select seq as n from seq_1_to_{stores}) as s;

insert into customers
select
    n,
    concat(' ', elt(n % 5 + 1, 'Jürgen', 'Zoë', 'María', 'Anne', 'bob'), ' '),
    concat(elt(n % 4 + 1, 'Müller', 'O''Neill', 'García', 'Smith'), ' ', n),
    concat('Customer.', n, '@Example.com'),
    concat('(212) ', 200 + n div 10000 % 800, '-', lpad(n % 10000, 4, '0')),
    date'1950-01-01' + interval n % 18000 day,
    elt(n % 2 + 1, 'F', 'M'),
    concat(n, ' Long Road'),
    if(n % 7 = 0, concat('Flat ', n % 40), ''),
    concat('City ', n % 500),
    'NY',
    lpad(n % 100000, 5, '0'),
    'us',
    elt(n % 4 + 1, 'Consumer', 'Corporate', 'Home Office', 'Small Business'),
    date'2022-01-01' + interval n % 700 day,
    true,
    timestamp'2024-06-01 00:00:00' + interval n second
from (select seq as n from seq_1_to_{customers}) as s;

insert into products
select
    n, concat('Product ', n), concat('What can be said of product ', n), concat('SKU-', lpad(n, 8, '0')),
    concat('Brand ', lpad(n % 200 + 1, 3, '0')), concat('Category ', lpad(n % 50 + 1, 2, '0')),
    concat('Sub ', n % 400), concat('Line ', n % 20), elt(n % 3 + 1, 'S', 'M', 'L'),
    elt(n % 3 + 1, 'red', 'green', 'blue'), n % 5000 / 1000, concat('Supplier ', n % 90), true,
    timestamp'2024-06-01 00:00:00' + interval n second
from (select seq as n from seq_1_to_{products}) as s;

insert into product_prices
select
    n,
    (n + 1) div 2,
    if(n % 2 = 1, timestamp'2023-01-01 00:00:00', timestamp'2025-04-01 00:00:00'),
    5 + n % 50,
    8 + n % 90,
    timestamp'2025-04-01 00:00:00' + interval n second
from (select seq as n from seq_1_to_{prices}) as s;

insert into order_items
select
    n,
    (n + 2) div 3,
    (n + 2) % 3 + 1,
    n * 104729 % {products} + 1,
    n % 9 + 1,
    10 + n * 17 % 100000 / 100,
    if(n % 5 = 0, n % 300 / 100, null)
from (select seq as n from seq_1_to_{lines}) as s;

-- The total is that of the lines, less the discount, with tax and shipping, or the gate closes.
insert into orders
select
    n,
    if(n % 10 = 0, null, n * 7919 % {customers} + 1),
    if(n % 3 = 0, n % {stores} + 1, null),
    timestamp'2025-01-01 00:00:00' + interval n % 40000000 second,
    elt(n % 6 + 1, 'placed', 'paid', 'shipped', 'delivered', 'cancelled', 'returned'),
    if(n % 4 = 0, n % 500 / 100, null),
    n % 10000 / 100,
    4.90,
    lines_amount - coalesce(if(n % 4 = 0, n % 500 / 100, null), 0) + n % 10000 / 100 + 4.90,
    timestamp'2025-01-02 00:00:00' + interval n % 40000000 second
from (
    select order_id as n, sum(quantity * unit_price - coalesce(discount_amount, 0)) as lines_amount
    from order_items
    group by order_id
) as l
