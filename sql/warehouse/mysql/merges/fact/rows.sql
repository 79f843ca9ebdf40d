-- grain: one row per staged row of {{ fact }} with what becomes of it,
-- and one per row of the fact that leaves it
-- reads: the fact's staged tables, warehouse.{{ fact }}, its dimensions, dim_date
-- Step by step, as a working table of the session can be opened once in a statement.
-- LT01, LT02, RF02, RF03: the linter loses the indent between the template's loops, and takes what
-- stands beside a template's name for a reference
-- noqa: disable=LT01,LT02,RF02,RF03
{% import "merges/lookup.sql" as lookup -%}
{% import "merges/fact/time.sql" as time -%}
{% import "compare.sql" as compare -%}
{%- macro working(name) -%}
{{ staging | ident }}.{{ (name ~ "_" ~ fact) | ident }}
{%- endmacro %}
{%- macro typed() -%}
{%- for column, staged in columns.items() %}
    {{ column | ident }} {{ staged.type | key_type if column in grain else staged.type | type }},
{%- endfor %}
{%- endmacro %}
drop temporary table if exists {{ working("told") }};
create temporary table {{ working("told") }} (
    _source int not null,
    _is_gone boolean not null,
    {{- typed() }}
    _row bigint,
    index ({{ grain | idents }})
);
{%- for source in sources %}
insert into {{ working("told") }} (_source, _is_gone, {{ columns | idents }}, _row)
select
    {{ loop.index }},
    {{ source.is_gone }},
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
    ),
    {%- else %}
    s.{{ staged.name | ident }},
    {%- endif %}
    {%- endfor %}
    s._row
from {{ staging | ident }}.{{ source.relation | ident }} as s;
{%- endfor %}
{%- if latest_by or complete_by %}

-- what the fact has of the same grains and wholes competes with what is told
drop temporary table if exists {{ working("met") }};
create temporary table {{ working("met") }} (
    unique index ({{ grain | idents }})
) as
select distinct {{ grain | idents('f') }}
from warehouse.{{ fact | ident }} as f
inner join {{ working("told") }} as t
    on {{ (complete_by or grain) | equal('t', 'f') }};
{%- if complete_by %}
insert into {{ working("met") }} ({{ grain | idents }})
select {{ grain | idents('f') }}
from warehouse.{{ fact | ident }} as f
inner join {{ working("told") }} as t on {{ grain | equal('t', 'f') }}
on duplicate key update {{ grain[0] | ident }} = values({{ grain[0] | ident }});
{%- endif %}

insert into {{ working("told") }} (_source, _is_gone, {{ columns | idents }}, _row)
select
    0,
    false,
    {{ columns | idents('f') }},
    null
from warehouse.{{ fact | ident }} as f
inner join {{ working("met") }} as m on {{ grain | equal('m', 'f') }};
{%- endif %}
{%- for found in lookups.values() %}

drop temporary table if exists {{ working("versions_" ~ loop.index) }};
create temporary table {{ working("versions_" ~ loop.index) }} (
    holds_from datetime(6),
    holds_to datetime(6),
    index ({{ found.columns | idents }}, holds_from)
) as
{{ lookup.versions(dict(found, named_in=working("told"))) }};
{%- endfor %}

drop temporary table if exists {{ staging | ident }}.{{ rows | ident }};
create temporary table {{ staging | ident }}.{{ rows | ident }} (
    {{- typed() }}
    _change varchar(16),
    index ({{ grain | idents }})
) as
with {% if latest_by or complete_by -%}
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
                c.{{ column | ident }} desc,
                {%- endfor %}
                {#- Only the beginning of a long value is sorted by. #}
                {%- for column, staged in columns.items()
                    if staged.type in ["text", "json", "bytes"] %}
                case
                    when length(c.{{ column | ident }}) > 250
                        then sha2(c.{{ column | ident }}, 256)
                end desc,
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
    from {{ working("told") }} as c
),

judged as (
    select
        r.*,
        r._is_latest and r._is_whole as _holds,
        max(r._is_latest and r._is_whole) over (
            partition by {{ grain | idents('r') }}
        ) as _is_held
    from ranked as r
),
{%- else -%}
judged as (
    select
        t.*,
        true as _holds,
        true as _is_held
    from {{ working("told") }} as t
),
{%- endif %}

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
    left join {{ working("versions_" ~ loop.index) }} as {{ version | ident }}
        on
            {{ version | ident }}.holds_from <= {{ time.instant(at, columns[at].type, 'j') }}
            and {{ time.instant(at, columns[at].type, 'j') }} < {{ version | ident }}.holds_to
        {%- for column, named in found.columns.items() %}
            and {{ version | ident }}.{{ column | ident }} = j.{{ named | ident }}
        {%- endfor %}
    {%- endfor %}
)

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
        when {{ compare.differs(measures, 'n', 'f') }} then 'update'
        {%- endif %}
        else 'unchanged'
    end as _change
from found as n
left join warehouse.{{ fact | ident }} as f on {{ grain | equal('f', 'n') }}
where n._source > 0 or not n._is_held
