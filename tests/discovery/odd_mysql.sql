-- A database as odd as those that one meets: every statement ends at the end of a line with a semicolon.
set session sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00';

create table `Customers` (
    `CustomerID` char(5) primary key,
    `CompanyName` varchar(40) not null comment 'As it is registered; # not a comment',
    `ContactName` text character set latin1,
    `Mood` enum('so "so"', 'fine', 'it''s'),
    `Colours` set('red', 'green', 'blue'),
    `EMail` varchar(80)
) comment 'Whom we sell to: companies, "mostly"';
insert into `Customers`
select concat(char(65 + seq % 26 using utf8mb4), seq), concat('Company ', seq), if(seq % 3 > 0, 'NA é', null), 1 + seq % 3, seq % 8, concat(seq, '@example.org')
from seq_1_to_150;

create table `Order Details` (
    `OrderID` int unsigned,
    `ProductID` int unsigned,
    `Unit Price` decimal(10, 4),
    `Quantity` smallint unsigned not null,
    `Discount` float,
    `Gross` decimal(12, 4) generated always as (`Quantity` * `Unit Price`) virtual,
    `Net` double generated always as (`Quantity` * 2.5) stored,
    primary key (`OrderID`, `ProductID`)
);
insert into `Order Details` (`OrderID`, `ProductID`, `Unit Price`, `Quantity`, `Discount`)
select seq div 3, seq % 3, seq / 4, seq, 0.1 * seq from seq_1_to_60;

create table employees (
    emp_no int auto_increment primary key,
    reports_to int references employees (emp_no),
    first_name varchar(14) not null,
    gender enum('M', 'F') not null,
    status varchar(10) not null,
    photo blob,
    hired date not null,
    last_update timestamp not null default current_timestamp on update current_timestamp
);
insert into employees (reports_to, first_name, gender, status, photo, hired, last_update)
select nullif(seq div 10, 0), concat('Name ', seq), 1 + seq % 2, if(seq % 2, 'active', 'on leave'), x'00ff0a22', date('2020-01-01') + interval seq day, '2024-01-01' + interval seq hour
from seq_1_to_120;

create table salaries (
    emp_no int not null,
    salary int not null,
    from_date date not null,
    to_date date not null,
    primary key (emp_no, from_date)
);
insert into salaries select seq, 1000 * seq, '2024-01-01', '9999-01-01' from seq_1_to_30;

create table `select` (
    `from` int primary key,
    `where` text,
    `group` text,
    `user` text,
    `table` text,
    `null` text
);
insert into `select` values (1, 'a', 'b', 'c', 'd', 'e'), (2, '', null, 'null', 'NA', '\\N');

create table `Ünïcödé; drop table x; --` (
    `say "hi"` int primary key,
    `日本` text,
    `semi;colon` text,
    `_row` int,
    `_cursor` text,
    `_fault` text,
    `1st` text,
    `Name` text,
    `Näme` text,
    `N.A.M.E` text,
    `100%s` text,
    `back``tick` text,
    `tab	new` text
);
insert into `Ünïcödé; drop table x; --` values (1, 'é😀日本', ';', 7, 'c', 'f', '1', 'N', 'n', 'NN', '%s', '`', '\t\n');
insert into `Ünïcödé; drop table x; --` (`say "hi"`) values (2);

create table `Case` (id int primary key, name text);
create table `case` (id int primary key, title text);
insert into `Case` values (1, 'upper');
insert into `case` values (1, 'lower'), (2, 'lower');

create table events (
    id bigint unsigned not null,
    happened_on date not null,
    kind varchar(10) not null,
    document json,
    primary key (id, happened_on)
) partition by range columns (happened_on) subpartition by hash (to_days(happened_on)) subpartitions 2 (
    partition p0 values less than ('2024-01-01'),
    partition p1 values less than (maxvalue)
);
insert into events select 18446744073709551615 - seq, date('2023-12-01') + interval seq day, elt(1 + seq % 4, 'view', 'click', 'order', 'null'), json_object('n', seq, 'é', null) from seq_1_to_240;

create table log_lines (level varchar(5), line text, n int);
insert into log_lines values ('info', 'same', 1), ('info', 'same', 1), ('info', 'same', 1), (null, null, null), (null, null, null), ('', 'NA', 0);

create table by_index (code varchar(9) not null, n int not null, note text, unique key of_two (n, code), unique key of_code (code));
insert into by_index values ('a', 1, 'x'), ('b', 1, null), ('c', 2, '');

create table no_key (code varchar(9), n int, unique key of_code (code));
insert into no_key values (null, 1), (null, 1), ('a', 1);

create table nothing (id int primary key, name text);

create table zero_dates (
    id int primary key,
    day date not null,
    at datetime(6) not null,
    seen timestamp null,
    updated_at datetime not null
);
insert into zero_dates values (1, '0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00');
insert into zero_dates values (2, '2024-00-10', '2024-02-31 01:02:03.5', null, '2024-01-01 00:00:00');
insert into zero_dates values (3, '2024-01-10', '2024-02-28 01:02:03.5', '2024-01-01 00:00:00', '2024-01-01 00:00:00');

create table every_type (
    id int primary key,
    c_tinyint tinyint,
    c_bool bool,
    c_tinyint_unsigned tinyint unsigned,
    c_smallint_unsigned smallint unsigned,
    c_mediumint mediumint,
    c_mediumint_unsigned mediumint unsigned,
    c_int_unsigned int unsigned,
    c_zerofill int(5) zerofill,
    c_bigint bigint,
    c_bigint_unsigned bigint unsigned,
    c_decimal decimal(10, 2),
    c_decimal_wide decimal(65, 30),
    c_float float,
    c_double double,
    c_bit bit(1),
    c_bits bit(9),
    c_bits_all bit(64),
    c_year year,
    c_enum enum('a,b', 'q"', ''),
    c_set set('a', 'b', 'c'),
    c_json json,
    c_char char(4),
    c_text longtext character set utf16,
    c_binary binary(3),
    c_varbinary varbinary(9),
    c_blob longblob,
    c_date date,
    c_datetime datetime(3),
    c_timestamp timestamp(6) null,
    c_time time(6),
    c_point point,
    c_geometry geometry,
    c_uuid uuid,
    c_inet6 inet6,
    c_hidden int invisible default 42
);
insert into every_type values (
    1, -128, 2, 255, 65535, -8388608, 16777215, 4294967295, 42, -9223372036854775808, 18446744073709551615, -12345678.90,
    99999999999999999999999999999999999.111111111111111111111111111111, 0.1, 1.7976931348623157e308, b'1', b'100000001', 18446744073709551615,
    2024, 'q"', 'c,a', '{"b":  [1, null]}', 'ab', 'é😀', 'a', x'00ff0a22', '', '9999-12-31', '2024-01-01 23:59:59.999', '2024-07-01 06:30:00.000001', '-838:59:59',
    point(1, 2), st_geomfromtext('LINESTRING(0 0, 1 1)'), 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '::1'
);
insert into every_type (id, c_enum, c_set, c_bit, c_year) values (2, '', '', b'0', 0);

create table ahead (id int primary key, updated_at datetime not null);
insert into ahead values (1, '2199-01-01 00:00:00');

create table a_name_that_is_as_long_as_mysql_lets_the_name_of_any_table_be_64 (
    a_name_that_is_as_long_as_mysql_lets_any_column_of_any_table_be1 int primary key,
    a_name_that_is_as_long_as_mysql_lets_any_column_of_any_table_be2 text,
    a_name_that_is_as_long_as_mysql_lets_any_column_of_any_table_be3 text
);
insert into a_name_that_is_as_long_as_mysql_lets_the_name_of_any_table_be_64 values (1, 'one', 'two');

create view `Active Employees` as select e.emp_no, e.first_name, m.first_name as manager from employees as e left join employees as m on e.reports_to = m.emp_no;
create table gone (id int primary key);
create view of_what_is_gone as select id from gone;
drop table gone;
create sequence counting;
