-- grain: statements that make ranges of the rows that were held against each other, and read them
-- reads: {{ staging }}.{{ joined }}

-- name: make_ranges
create unlogged table {{ staging | ident }}.{{ ranges | ident }} as
with summed as (
    select
        j._range,
        count(j._source_hash) as source_count,
        count(j._target_hash) as target_count,
        coalesce(sum(j._source_hash::numeric), 0) as source_hash,
        coalesce(sum(j._target_hash::numeric), 0) as target_hash,
        {%- for column in numbers %}
        sum(j.{{ ("_source_" ~ loop.index) | ident }}::numeric)::text
            as {{ ("_source_" ~ loop.index) | ident }},
        sum(j.{{ ("_target_" ~ loop.index) | ident }}::numeric)::text
            as {{ ("_target_" ~ loop.index) | ident }},
        {%- endfor %}
        count(*) filter (where j._finding = 'missing') as missing,
        count(*) filter (where j._finding = 'extra') as extra,
        count(*) filter (where j._finding = 'changed') as changed
    from {{ staging | ident }}.{{ joined | ident }} as j
    group by j._range
),

lowest as (
    select distinct on (j._range)
        j._range,
        j.{{ key_parts[0] | ident }} as low
    from {{ staging | ident }}.{{ joined | ident }} as j
    order by j._range, j.{{ key_parts[0] | ident }}
),

highest as (
    select distinct on (j._range)
        j._range,
        j.{{ key_parts[0] | ident }} as last_key
    from {{ staging | ident }}.{{ joined | ident }} as j
    order by j._range, j.{{ key_parts[0] | ident }} desc
)

select
    s.*,
    s.missing + s.extra + s.changed > 0 or s.source_hash != s.target_hash as differs,
    row_number() over in_order as range_number,
    case when row_number() over in_order > 1 then l.low end as low,
    lead(l.low) over in_order as high,
    h.last_key
from summed as s
inner join lowest as l on s._range = l._range
inner join highest as h on s._range = h._range
window in_order as (order by s._range);

-- name: read_ranges
select
    r.range_number,
    r.low::text as low,
    r.high::text as high,
    r.last_key::text as last_key,
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
    {%- for column in key_parts %}
    j.{{ column | ident }}::text,
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
    count(*) filter (where s.{{ column | ident }} is distinct from t.{{ column | ident }}),
    {%- endfor %}
    count(*)
from {{ staging | ident }}.{{ joined | ident }} as j
inner join told as s on {{ key_parts | equal('s', 'j') }}
inner join held as t on {{ key_parts | equal('t', 'j') }}
where j._finding = 'changed';
