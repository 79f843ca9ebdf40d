-- A database as odd as those that one meets: every statement ends at a line of its own with a semicolon.
create schema sales;
create schema "Odd Schema";
create type mood as enum ('so "so"', 'fine', 'it''s');
create domain price as numeric(8, 2) check (value >= 0);
create domain email as text;
create type pair as (a int, b text);

create table "Customers" (
    "CustomerID" char(5) primary key,
    "CompanyName" varchar(40) not null,
    "ContactName" text,
    "HTTPServer" inet,
    "Mood" mood,
    "EMail" email
);
comment on table "Customers" is 'Whom we sell to: companies, "mostly"';
comment on column "Customers"."CompanyName" is 'As it is registered; # not a comment';
insert into "Customers"
select
    chr(65 + n % 26) || n, 'Company ' || n, case when n % 3 > 0 then 'NA' end, '10.0.0.1/8',
    (array['so "so"', 'fine', 'it''s'])[1 + n % 3]::mood, n || '@example.org'
from generate_series(1, 150) as n;

create table "Order Details" (
    "OrderID" int,
    "ProductID" int,
    "Unit Price" money,
    "Quantity" smallint not null,
    "Discount" real,
    "Gross" numeric generated always as ("Quantity" * 2.5) stored,
    primary key ("OrderID", "ProductID")
);
insert into "Order Details" ("OrderID", "ProductID", "Unit Price", "Quantity", "Discount")
select n / 3, n % 3, n::numeric::money, n, 0.1 * n from generate_series(1, 60) as n;

create table employees (
    employee_no bigint generated always as identity primary key,
    reports_to bigint references employees,
    first_name text not null,
    status varchar(10) not null,
    photo bytea,
    hired date,
    updated_at timestamptz not null default now()
);
insert into employees (reports_to, first_name, status, photo, hired, updated_at)
select
    nullif(n / 10, 0), 'Name ' || n, (array['active', 'on leave'])[1 + n % 2], decode('00ff0a22', 'hex'),
    date '2020-01-01' + n, timestamptz '2024-01-01' + n * interval '1 hour'
from generate_series(1, 120) as n;

create table "select" (
    "from" int primary key,
    "where" text,
    "group" text,
    "user" text,
    "table" text,
    "null" text
);
insert into "select" values (1, 'a', 'b', 'c', 'd', 'e'), (2, '', null, 'null', 'NA', '\N');

create table "Ünïcödé; drop table x; --" (
    "say ""hi""" int primary key,
    "日本" text,
    "semi;colon" text,
    "_row" int,
    "_cursor" text,
    "_fault" text,
    "1st" text,
    "Name" text,
    name text,
    "NAME" text,
    "100%s" text,
    "back`tick" text,
    "tab	new
line" text
);
insert into "Ünïcödé; drop table x; --"
values (1, 'é😀日本', ';', 7, 'c', 'f', '1', 'N', 'n', 'NN', '%s', '`', E'\t\n');
insert into "Ünïcödé; drop table x; --" ("say ""hi""") values (2);

create table customers (id int primary key, name text);
create table sales.customers (id int primary key, name text);
create table "Odd Schema".customers (id int primary key, name text);
create table "Odd Schema"."dot.ted" (id int primary key, name text);
insert into customers values (1, 'public');
insert into sales.customers values (1, 'sales'), (2, 'sales');
insert into "Odd Schema".customers values (1, 'odd'), (2, 'odd'), (3, 'odd');
insert into "Odd Schema"."dot.ted" values (1, 'dotted');

create table events (
    id bigint,
    happened_at timestamp not null,
    kind text not null,
    document jsonb,
    primary key (id, happened_at)
) partition by range (happened_at);
create table events_old partition of events for values from (minvalue) to ('2024-01-01');
create table events_new partition of events for values from ('2024-01-01') to (maxvalue)
    partition by hash (id);
create table events_new_0 partition of events_new for values with (modulus 2, remainder 0);
create table events_new_1 partition of events_new for values with (modulus 2, remainder 1);
insert into events
select
    n, timestamp '2023-12-30' + n * interval '1 hour 1 microsecond',
    (array['view', 'click', 'order', 'null'])[1 + n % 4],
    jsonb_build_object('n', n, 'é', null, 'list', jsonb_build_array(n, 'x'))
from generate_series(1, 240) as n;

create table living (id int primary key, name text);
create table animals (legs int) inherits (living);
insert into living values (1, 'tree');
insert into animals values (1, 'dog', 4), (2, 'bird', 2);

create table log_lines (level text, line text, n int);
insert into log_lines
values ('info', 'same', 1), ('info', 'same', 1), ('info', 'same', 1), (null, null, null), (null, null, null), ('', 'NA', 0);

create table by_index (code text not null, n int not null, note text);
create unique index by_index_of_two on by_index (n, code);
create unique index by_index_code on by_index (code) include (note);
create unique index by_index_half on by_index (n) where n > 5;
insert into by_index values ('a', 1, 'x'), ('A', 1, null), ('ä', 2, '');

create table no_key (code text, n int not null);
create unique index no_key_half on no_key (n) where n > 5;
create unique index no_key_code on no_key (code);
insert into no_key values (null, 1), (null, 1), ('a', 1);

create table nothing (id int primary key, name text);

create table every_type (
    id int primary key,
    c_smallint smallint,
    c_bigint bigint,
    c_oid oid,
    c_numeric numeric(10, 2),
    c_numeric_free numeric,
    c_numeric_negative numeric(3, -2),
    c_numeric_fine numeric(2, 4),
    c_numeric_wide numeric(76, 10),
    c_numeric_too_wide numeric(100, 2),
    c_numeric_nan numeric(8, 3),
    c_money money,
    c_real real,
    c_double double precision,
    c_boolean boolean,
    c_char char(4),
    c_bytes bytea,
    c_date date,
    c_date_infinite date,
    c_timestamp timestamp,
    c_timestamp_infinite timestamp,
    c_timestamptz timestamptz(3),
    c_timestamptz_old timestamptz,
    c_time time,
    c_time_end time,
    c_timetz timetz,
    c_interval interval,
    c_json json,
    c_json_nul json,
    c_jsonb jsonb,
    c_uuid uuid,
    c_array int[],
    c_texts text[][],
    c_range int4range,
    c_ranges tstzmultirange,
    c_bit bit(3),
    c_varbit varbit,
    c_inet inet,
    c_cidr cidr,
    c_macaddr macaddr,
    c_point point,
    c_vector tsvector,
    c_price price,
    c_mood mood,
    c_pair pair,
    c_name name
);
insert into every_type values (
    1, -32768, 9223372036854775807, 4294967295, -12345678.90, 1.10000000000000000000000005, 12300, 0.0012,
    12345678901234567890123456789012345678901234567890.0123456789, 123456789.25, 'NaN', '-92233720368547758.08',
    0.1, 'NaN', true, 'ab', '\x00ff0a22', '0001-01-01', 'infinity', '2024-01-01 23:59:59.999999', '-infinity',
    '2024-07-01 12:00:00.123+05:30', '0044-03-15 00:00:00+00 BC', '08:05:00.5', '24:00:00', '08:05:00+02',
    '1 day 02:00:00', '{"a":  1, "b": null}', '{"a": "\u0000"}', '{"b": [1, null], "a": "x"}',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{1,null,3}', '{{a,"b,\""},{"",null}}', '[1,5)',
    '{[2024-01-01 00:00:00+00,)}', '101', '1', '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', '(1,2)', 'a fat cat',
    3.50, 'it''s', '(1,"b,")', 'n'
);
insert into every_type (id, c_numeric_nan, c_date_infinite, c_timestamp_infinite, c_timestamptz_old, c_time_end, c_json_nul, c_double)
values (2, 1.5, '2024-02-29', '2024-07-01 12:00:00', '2024-07-01 12:00:00+00', '12:00', '{"a": 1, "a": 2}', '-infinity');
insert into every_type (id, c_double, c_real) values (3, 1e308, '1.17549435e-38');

create table ahead (id int primary key, updated_at timestamp not null);
insert into ahead values (1, '2199-01-01');
create table half_known (id int primary key, last_modified timestamptz, updated_by timestamptz not null default now());
insert into half_known values (1, '2024-01-01');

create table a_name_that_is_as_long_as_postgresql_lets_the_name_of_a_tablebe (
    a_name_that_is_as_long_as_postgresql_lets_a_column_of_a_table_1 int primary key,
    a_name_that_is_as_long_as_postgresql_lets_a_column_of_a_table_2 text,
    a_name_that_is_as_long_as_postgresql_lets_a_column_of_a_table_3 text
);
insert into a_name_that_is_as_long_as_postgresql_lets_the_name_of_a_tablebe values (1, 'one', 'two');

create view "Active Employees" as
select e.employee_no, e.first_name, m.first_name as manager from employees as e left join employees as m on e.reports_to = m.employee_no;
create materialized view statuses as select status, count(*) as employees from employees group by status;
create view of_functions as select 1 / (n - 3) as broken from generate_series(1, 5) as n;
do $$ begin execute (select 'create table wide (' || string_agg(format('c%s int', n), ', ') || ', primary key (c1))' from generate_series(1, 200) as n); end $$;
do $$ begin execute (select 'insert into wide select ' || string_agg(format('n + %s', n), ', ') || ' from generate_series(1, 12) as n' from generate_series(1, 200) as n); end $$;
