-- grain: statements about rows of {{ target }} whose key the source no longer has (law X8)
-- reads: {{ schema }}.{{ target }}, {{ staging }}: the relations that hold the keys that are there
{% import "json.sql" as json -%}
-- LT02: the linter loses the indent between the template's loops
-- noqa: disable=LT02

-- name: find
-- A row that waits is not gone.
drop temporary table if exists audit.waiting_keys;
create temporary table audit.waiting_keys (
    {%- for named in key.values() %}
    {{ named | ident }} {{ types[named] | key_type }},
    {%- endfor %}
    index ({{ key.values() | idents }})
);
{%- for relation in held_back %}
insert into audit.waiting_keys ({{ key.values() | idents }})
select
    {%- for named in key.values() %}
    {{ json.read("h.payload", named, types[named]) | indent }}{{ "," if not loop.last }}
    {%- endfor %}
from {{ staging | ident }}.{{ relation | ident }} as h
where h.table_name = %(table_name)s;
{%- endfor %}

drop temporary table if exists {{ staging | ident }}.{{ gone | ident }};
create temporary table {{ staging | ident }}.{{ gone | ident }} (
    index ({{ key | idents }})
) as
select {{ key | idents('t') }}
from {{ schema | ident }}.{{ target | ident }} as t
where
    {%- for relation in there %}
    not exists (
        select 1 from {{ staging | ident }}.{{ relation | ident }} as k
        where
        {%- for column, named in key.items() %}
            {{ "and " if not loop.first }}k.{{ named | ident }} = t.{{ column | ident }}
        {%- endfor %}
    ) and
    {%- endfor %}
    not exists (
        select 1 from audit.waiting_keys as h
        where
        {%- for column, named in key.items() %}
            {{ "and " if not loop.first }}h.{{ named | ident }} = t.{{ column | ident }}
        {%- endfor %}
    );

-- name: count
select
    (select count(*) from {{ schema | ident }}.{{ target | ident }}) as present,
    (select count(*) from {{ staging | ident }}.{{ gone | ident }}) as gone;

-- name: remove
delete from {{ schema | ident }}.{{ target | ident }}
using {{ schema | ident }}.{{ target | ident }}
inner join {{ staging | ident }}.{{ gone | ident }} as g
    on {{ key | equal("g", (schema | ident) ~ "." ~ (target | ident)) }};
