-- The account that reads a shop in MySQL or MariaDB (law P3). Run it in the shop's database, as one who may grant.
-- It can be run at any time. A new account is locked until it is given a password:
--     alter user etl_extract identified by '...' account unlock;
create user if not exists etl_extract account lock;

-- Open transactions of others, which bound what can be read safely (law X2).
grant process on *.* to etl_extract;

-- The tables of catalog/tables/shop, and no others.
grant select on brands to etl_extract;
grant select on categories to etl_extract;
grant select on customers to etl_extract;
grant select on order_items to etl_extract;
grant select on orders to etl_extract;
grant select on product_prices to etl_extract;
grant select on products to etl_extract;
grant select on stores to etl_extract;
