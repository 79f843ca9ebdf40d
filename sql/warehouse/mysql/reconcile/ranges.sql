-- grain: statements that make ranges of the rows that were held against each other, and read them
-- reads: {{ staging }}.{{ joined }}
{% import "json.sql" as json -%}
{#- Exact, so that the order of rows does not count; without numbers that have no room in it. -#}
{%- macro total(column) -%}
trim(trailing '.' from trim(trailing '0' from cast(
        sum(case when abs({{ column }}) < 1e24 then cast({{ column }} as decimal(65, 30)) end) as char
    )))
{%- endmacro %}
{%- macro text(sql) -%}
{{ json.text(sql, key_types[key_parts[0]]) }}
{%- endmacro %}

-- name: make_ranges
create table {{ staging | ident }}.{{ ranges | ident }} as
with summed as (
    select
        j._range,
        count(j._source_hash) as source_count,
        count(j._target_hash) as target_count,
        coalesce(sum(cast(j._source_hash as decimal(65, 0))), 0) as source_hash,
        coalesce(sum(cast(j._target_hash as decimal(65, 0))), 0) as target_hash,
        {%- for column in numbers %}
        {{ total("j." ~ ("_source_" ~ loop.index) | ident) }}
            as {{ ("_source_" ~ loop.index) | ident }},
        {{ total("j." ~ ("_target_" ~ loop.index) | ident) }}
            as {{ ("_target_" ~ loop.index) | ident }},
        {%- endfor %}
        count(case when j._finding = 'missing' then 1 end) as missing,
        count(case when j._finding = 'extra' then 1 end) as extra,
        count(case when j._finding = 'changed' then 1 end) as changed,
        min(j.{{ key_parts[0] | ident }}) as lowest,
        max(j.{{ key_parts[0] | ident }}) as last_key
    from {{ staging | ident }}.{{ joined | ident }} as j
    group by j._range
)

select
    s.*,
    s.missing + s.extra + s.changed > 0 or s.source_hash != s.target_hash as differs,
    row_number() over (order by s._range) as range_number,
    case when row_number() over (order by s._range) > 1 then s.lowest end as low,
    lead(s.lowest) over (order by s._range) as high
from summed as s;

-- name: read_ranges
select
    r.range_number,
    {{ text("r.low") }} as low,
    {{ text("r.high") }} as high,
    {{ text("r.last_key") }} as last_key,
    r.source_count,
    r.target_count,
    r.source_hash,
    r.target_hash,
    {%- for column in numbers %}
    r.{{ ("_source_" ~ loop.index) | ident }},
    r.{{ ("_target_" ~ loop.index) | ident }},
    {%- endfor %}
    r.missing,
    r.extra,
    r.changed
from {{ staging | ident }}.{{ ranges | ident }} as r
order by r.range_number;

-- name: examples
select
    {%- for column, type in key_types.items() %}
    {{ json.text("j." ~ column | ident, type) }},
    {%- endfor %}
    j._finding
from {{ staging | ident }}.{{ joined | ident }} as j
where j._finding != 'same'
order by {{ key_parts | idents('j') }}
limit %(limit)s;

-- name: changed_columns
with told as (
    {{ select_source }}
),

held as (
    {{ select_target }}
)

select
    {%- for column in columns %}
    count(case when not (s.{{ column | ident }} <=> t.{{ column | ident }}) then 1 end),
    {%- endfor %}
    count(*)
from {{ staging | ident }}.{{ joined | ident }} as j
inner join told as s on {{ key_parts | equal('s', 'j') }}
inner join held as t on {{ key_parts | equal('t', 'j') }}
where j._finding = 'changed';
