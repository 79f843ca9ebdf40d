-- The role that reads a shop in PostgreSQL (law P3). Run it in the shop's database, as one who may grant.
-- It can be run at any time; the password is set apart from it, in psql: \password etl_extract
do $$
begin
    if not exists (select from pg_roles where rolname = 'etl_extract') then
        create role etl_extract login;
    end if;
    execute format('grant connect on database %I to etl_extract', current_database());
end
$$;
alter role etl_extract set default_transaction_read_only = on;

-- Open transactions of others, which bound what can be read safely (law X2).
grant pg_read_all_stats to etl_extract;

-- The tables of catalog/tables/shop, and no others.
grant usage on schema public to etl_extract;
grant select on
    brands, categories, customers, order_items, orders, product_prices, products, stores
to etl_extract;
