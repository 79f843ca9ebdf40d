-- grain: one row per extracted row of {{ relation }}
-- The indexes are there from the beginning: what makes one would commit the transaction that
-- settles.
{% from "indexes.sql" import parts -%}
create database if not exists {{ schema | ident }}
character set utf8mb4 collate {{ collation }};
create table if not exists {{ schema | ident }}._parts (
    relation varchar(255) not null,
    part varchar(255) not null,
    row_count bigint not null,
    rejected_count bigint not null,
    seconds double not null default 0,
    dropped_count bigint not null default 0,
    file longtext,
    fault longtext,
    primary key (relation, part)
);
create table if not exists {{ schema | ident }}._steps (
    table_name varchar(255) not null,
    part varchar(255) not null,
    position int not null,
    step varchar(255) not null,
    columns json not null,
    rows_before bigint not null,
    rows_after bigint not null,
    changed bigint not null,
    nulls_before bigint not null,
    nulls_after bigint not null,
    primary key (table_name, part, position)
);
create table if not exists {{ schema | ident }}._rejected (
    table_name varchar(255) not null,
    payload json not null,
    column_name varchar(255),
    reason longtext not null,
    index (table_name)
);
create table if not exists {{ schema | ident }}._quarantine (
    table_name varchar(255) not null,
    row_key json not null,
    rules json not null,
    payload json not null,
    `row_number` bigint,
    index (table_name)
);
create table if not exists {{ schema | ident }}._replayed (
    quarantine_id bigint primary key,
    table_name varchar(255) not null,
    is_staged boolean not null default false
);
create table {{ schema | ident }}.{{ relation | ident }} (
    {%- for column, type in columns.items() %}
    {{ column | ident }} {{ (type | key_type) if column in indexed else (type | type) }},
    {%- endfor %}
    _cursor longtext,
    {%- for index in indexes %}
    index ({{ parts(index) }}),
    {%- endfor %}
    _row bigint auto_increment primary key
);
{%- if keys_relation %}
create table {{ schema | ident }}.{{ keys_relation | ident }} (
    {%- for column, type in key.items() %}
    {{ column | ident }} {{ type | key_type }},
    {%- endfor %}
    _cursor longtext,
    index ({{ parts(key) }})
);
{%- endif %}
