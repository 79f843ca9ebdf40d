-- grain: the two sides of {{ fact }}: one row per grain;
-- keys of other tables stand as what they mean, as a member may have another version by now
-- reads: {{ staging }}.{{ relation }}, warehouse.{{ fact }}, its dimensions, dim_date
{% import "merges/fact/time.sql" as time -%}
-- name: source
select
    {%- for column, staged in columns.items() %}
    s.{{ staged.name | ident }}::{{ staged.type }} as {{ column | ident }},
    {%- endfor %}
    {%- for key, lookup in lookups.items() %}
    {%- for part, staged in lookup.columns.items() %}
    s.{{ staged.name | ident }}::{{ staged.type }} as {{ (key ~ " " ~ part) | ident }},
    {%- endfor %}
    {%- endfor %}
    {%- for key, day in dates.items() %}
    {{ ("day_" ~ loop.index) | ident }}.full_date as {{ (key ~ " full_date") | ident }},
    {%- endfor %}
    true as _is_told
from {{ staging | ident }}.{{ relation | ident }} as s
{%- for day in dates.values() %}
{%- set alias = "day_" ~ loop.index %}
left join warehouse.dim_date as {{ alias | ident }}
    on {{ alias | ident }}.full_date = {{ time.day(day.column, day.type, 's') }}
{%- endfor %}
where not {{ is_gone }};

-- name: target
select
    {%- for column in columns %}
    t.{{ column | ident }},
    {%- endfor %}
    {%- for key, lookup in lookups.items() %}
    {%- set alias = "member_" ~ loop.index %}
    {%- for part in lookup.columns %}
    {{ alias | ident }}.{{ part | ident }} as {{ (key ~ " " ~ part) | ident }},
    {%- endfor %}
    {%- endfor %}
    {%- for key in dates %}
    {{ ("day_" ~ loop.index) | ident }}.full_date as {{ (key ~ " full_date") | ident }},
    {%- endfor %}
    true as _is_told,
    {{ decides }} as _source_decides
from warehouse.{{ fact | ident }} as t
{%- for key, lookup in lookups.items() %}
{%- set alias = "member_" ~ loop.index %}
left join warehouse.{{ lookup.relation | ident }} as {{ alias | ident }}
    on {{ alias | ident }}.{{ lookup.surrogate | ident }} = t.{{ key | ident }}
{%- endfor %}
{%- for key in dates %}
{%- set alias = "day_" ~ loop.index %}
left join warehouse.dim_date as {{ alias | ident }}
    on {{ alias | ident }}.date_key = t.{{ key | ident }}
{%- endfor %};
