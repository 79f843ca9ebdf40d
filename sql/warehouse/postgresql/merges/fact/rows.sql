-- grain: one row per staged row of {{ fact }} with what becomes of it,
-- and one per row of the fact that leaves it
-- reads: the fact's staged tables, warehouse.{{ fact }}, its dimensions, dim_date
{% import "merges/lookup.sql" as lookup -%}
{% import "merges/fact/time.sql" as time -%}
create unlogged table {{ staging | ident }}.{{ rows | ident }} as
with told as (
    {%- for source in sources %}
    select
        {{ loop.index }} as _source,
        {{ source.is_gone }} as _is_gone,
        {%- for column, staged in columns.items() %}
        {%- if staged.name in source.absent %}
        -- law S6: what the source no longer has keeps its value
        (
            select f.{{ column | ident }}
            from warehouse.{{ fact | ident }} as f
            where
            {%- for part, named in key.items() %}
                {{ "and " if not loop.first }}f.{{ part | ident }} = s.{{ named | ident }}
            {%- endfor %}
        ) as {{ column | ident }},
        {%- else %}
        s.{{ staged.name | ident }}::{{ staged.type | type }} as {{ column | ident }},
        {%- endif %}
        {%- endfor %}
        s._row
    from {{ staging | ident }}.{{ source.relation | ident }} as s
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

{%- if latest_by or complete_by %}

-- what the fact has of the same grains and wholes competes with what is told
met as (
    select {{ grain | idents('f') }}
    from warehouse.{{ fact | ident }} as f
    inner join told as t on {{ grain | equal('t', 'f') }}
    {%- if complete_by %}
    union
    select {{ grain | idents('f') }}
    from warehouse.{{ fact | ident }} as f
    inner join told as t on {{ complete_by | equal('t', 'f') }}
    {%- else %}
    group by {{ grain | idents('f') }}
    {%- endif %}
),

candidates as (
    select
        t._source,
        t._is_gone,
        {{ columns | idents('t') }},
        t._row
    from told as t
    union all
    select
        0 as _source,
        false as _is_gone,
        {{ columns | idents('f') }},
        null as _row
    from warehouse.{{ fact | ident }} as f
    inner join met as m on {{ grain | equal('m', 'f') }}
),

ranked as (
    select
        c.*,
        row_number() over (
            partition by {{ grain | idents('c') }}
            order by
                {%- if latest_by %}
                c.{{ latest_by | ident }} desc,
                c._is_gone desc,
                {%- for column in columns %}
                c.{{ column | ident }} desc nulls last,
                {%- endfor %}
                {%- endif %}
                c._source desc,
                c._row
        ) = 1 as _is_latest,
        {%- if complete_by and latest_by %}
        c.{{ latest_by | ident }}
        = max(c.{{ latest_by | ident }}) over (partition by {{ complete_by | idents('c') }})
        {%- elif complete_by %}
        c._source > 0
        {%- else %}
        true
        {%- endif %} as _is_whole
    from candidates as c
),

judged as (
    select
        r.*,
        r._is_latest and r._is_whole as _holds,
        bool_or(r._is_latest and r._is_whole) over (
            partition by {{ grain | idents('r') }}
        ) as _is_held
    from ranked as r
),
{%- else %}

judged as (
    select
        t.*,
        true as _holds,
        true as _is_held
    from told as t
),
{%- endif %}

{%- for found in lookups.values() %}

{{ ("versions_" ~ loop.index) | ident }} as (
    {{ lookup.versions(found) }}
),
{%- endfor %}

-- the linter loses the indent between the template's loops
-- noqa: disable=LT02
found as (
    select
        {%- for date_key in dates %}
        coalesce({{ ("day_" ~ loop.index) | ident }}.date_key, -1) as {{ date_key | ident }},
        {%- endfor %}
        {%- for key, found in lookups.items() %}
        coalesce(
            {{ ("version_" ~ loop.index) | ident }}.{{ found.surrogate | ident }},
            {{ found.if_null }}
        ) as {{ key | ident }},
        {%- endfor %}
        j.*
    from judged as j
    {%- for column in dates.values() %}
    {%- set day = "day_" ~ loop.index %}
    left join warehouse.dim_date as {{ day | ident }}
        on {{ day | ident }}.full_date = {{ time.day(column, columns[column].type, 'j') }}
    {%- endfor %}
    {%- for found in lookups.values() %}
    {%- set version = "version_" ~ loop.index %}
    left join {{ ("versions_" ~ loop.index) | ident }} as {{ version | ident }}
        on
            {{ version | ident }}.holds_from <= {{ time.instant(at, columns[at].type, 'j') }}
            and {{ time.instant(at, columns[at].type, 'j') }} < {{ version | ident }}.holds_to
        {%- for column, named in found.columns.items() %}
            and {{ version | ident }}.{{ column | ident }} = j.{{ named | ident }}
        {%- endfor %}
    {%- endfor %}
)

-- noqa: enable=LT02
select
    n._source,
    {{ columns | idents('n') }},
    {%- for key in keys %}
    n.{{ key | ident }},
    {%- endfor %}
    case
        when n._source = 0 then 'remove'
        when not n._holds then 'drop'
        when n._is_gone and f.{{ grain[0] | ident }} is not null then 'remove'
        when n._is_gone then 'unchanged'
        when f.{{ grain[0] | ident }} is null then 'insert'
        {%- if measures %}
        when (row({{ measures | idents('n') }}) is distinct from row({{ measures | idents('f') }}))
            then 'update'
        {%- endif %}
        else 'unchanged'
    end as _change
from found as n
left join warehouse.{{ fact | ident }} as f on {{ grain | equal('f', 'n') }}
where n._source > 0 or not n._is_held
