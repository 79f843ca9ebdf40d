-- grain: the two sides of the copy {{ target }}: equal rows are numbered, so that they are counted
-- reads: {{ staging }}.{{ relation }}, replica.{{ target }}
{% from "reconcile/hash.sql" import row_hash -%}
{%- macro numbered(alias) -%}
{{ row_hash(alias, columns) }} as _equal,
row_number() over (partition by {{ row_hash(alias, columns) }}) as _copy,
{{ columns | idents(alias) }}
{%- endmacro %}

-- name: source
select {{ numbered("s") }}
from {{ staging | ident }}.{{ relation | ident }} as s;

-- name: target
select
    {{ numbered("t") }},
    true as _source_decides
from replica.{{ target | ident }} as t;
