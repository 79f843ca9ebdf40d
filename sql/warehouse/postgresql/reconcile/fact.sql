-- grain: the two sides of {{ fact }}: one row per grain;
-- keys of other tables stand as what they mean, as a member may have another version by now
-- reads: {{ staging }}.{{ relation }}, warehouse.{{ fact }}, its dimensions, dim_date
{% import "merges/fact/time.sql" as time -%}
{% import "reconcile/deciding.sql" as deciding -%}
-- name: source
-- LT02: the linter loses the indent between the template's loops
-- noqa: disable=LT02
select
    {%- for column, staged in columns.items() %}
    s.{{ staged.name | ident }}::{{ staged.type | type }} as {{ column | ident }},
    {%- endfor %}
    {%- for key, member in looked_up.items() %}
    {%- for part, staged in member.columns.items() %}
    s.{{ staged.name | ident }}::{{ staged.type | type }} as {{ (key ~ "__" ~ part) | ident }},
    {%- endfor %}
    {%- endfor %}
    {%- for key, day in days.items() %}
    {{ ("day_" ~ loop.index) | ident }}.full_date as {{ (key ~ "__full_date") | ident }},
    {%- endfor %}
    true as _is_told
from {{ staging | ident }}.{{ relation | ident }} as s
{%- for day in days.values() %}
{%- set alias = "day_" ~ loop.index %}
left join warehouse.dim_date as {{ alias | ident }}
    on {{ alias | ident }}.full_date = {{ time.day(day.column, day.type, 's') }}
{%- endfor %}
where not {{ deciding.is_gone(deleted_when) }};

-- name: target
select
    {%- for column in columns %}
    t.{{ column | ident }},
    {%- endfor %}
    {%- for key, member in looked_up.items() %}
    {%- set alias = "member_" ~ loop.index %}
    {%- for part in member.columns %}
    {{ alias | ident }}.{{ part | ident }} as {{ (key ~ "__" ~ part) | ident }},
    {%- endfor %}
    {%- endfor %}
    {%- for key in days %}
    {{ ("day_" ~ loop.index) | ident }}.full_date as {{ (key ~ "__full_date") | ident }},
    {%- endfor %}
    true as _is_told,
    {{ deciding.decides(decides, staging, relation, key) }} as _source_decides
from warehouse.{{ fact | ident }} as t
{%- for key, member in looked_up.items() %}
{%- set alias = "member_" ~ loop.index %}
left join warehouse.{{ member.relation | ident }} as {{ alias | ident }}
    on {{ alias | ident }}.{{ member.surrogate | ident }} = t.{{ key | ident }}
{%- endfor %}
{%- for key in days %}
{%- set alias = "day_" ~ loop.index %}
left join warehouse.dim_date as {{ alias | ident }}
    on {{ alias | ident }}.date_key = t.{{ key | ident }}
{%- endfor %};
