-- grain: one row per extracted row of {{ relation }}; unlogged: a crash means extracting again,
-- but for a table that becomes a copy when it has passed the gate
create schema if not exists {{ schema | ident }};
create table if not exists {{ schema | ident }}._parts (
    relation text not null,
    part text not null,
    row_count bigint not null,
    rejected_count bigint not null,
    seconds double precision not null default 0,
    dropped_count bigint not null default 0,
    file text,
    fault text,
    primary key (relation, part)
);
create table if not exists {{ schema | ident }}._steps (
    table_name text not null,
    part text not null,
    position integer not null,
    step text not null,
    columns text[] not null,
    rows_before bigint not null,
    rows_after bigint not null,
    changed bigint not null,
    nulls_before bigint not null,
    nulls_after bigint not null,
    primary key (table_name, part, position)
);
create table if not exists {{ schema | ident }}._rejected (
    table_name text not null,
    payload jsonb not null,
    column_name text,
    reason text not null
);
create table if not exists {{ schema | ident }}._quarantine (
    table_name text not null,
    row_key jsonb not null,
    rules text[] not null,
    payload jsonb not null,
    row_number bigint
);
create table if not exists {{ schema | ident }}._replayed (
    quarantine_id bigint primary key,
    table_name text not null,
    is_staged boolean not null default false
);
create {{ "unlogged " if not becomes_copy }}table {{ schema | ident }}.{{ relation | ident }} (
    {%- for column, type in columns.items() %}
    {{ column | ident }} {{ type | type }},
    {%- endfor %}
    _cursor text,
    -- cached, because a number at a time would cost a fifth of the COPY
    _row bigint generated always as identity (cache 1000)
)
-- Settling makes its statistics; a worker that vacuums it takes a processor meanwhile, and the
-- statement that turns the table into a copy waits a second for it to give way.
with (autovacuum_enabled = false);
{%- if keys_relation %}
create unlogged table {{ schema | ident }}.{{ keys_relation | ident }} (
    {%- for column, type in key.items() %}
    {{ column | ident }} {{ type | type }},
    {%- endfor %}
    _cursor text
);
{%- endif %}
