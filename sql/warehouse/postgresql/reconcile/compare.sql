-- LT02: the linter loses the indent between the template's loops
-- noqa: disable=LT02
-- grain: statements that hold the two sides of an image against each other
-- reads: what the statements of the image's own file read, {{ staging }}._rejected

-- name: make_source
create unlogged table {{ staging | ident }}.{{ sides.source | ident }} as
with told as (
    {{ select_source }}
)

select
    {{ (key_parts + numbers) | idents('t') }},
    hashtextextended(row({{ columns | idents('t') }})::text, 0) as _hash
from told as t;

-- name: make_target
-- What was set aside at the source is left out here, too.
create unlogged table {{ staging | ident }}.{{ sides.target | ident }} as
with held as (
    {{ select_target }}
)

select
    {{ (key_parts + numbers) | idents('t') }},
    t._source_decides,
    hashtextextended(row({{ columns | idents('t') }})::text, 0) as _hash
from held as t
{%- if staged_key %}
where
    not exists (
        select from {{ staging | ident }}.{{ aside | ident }} as a
        where {{ staged_key | equal('a', 't') }}
    )
    and not exists (
        select from {{ staging | ident }}._rejected as r
        where
            r.table_name = %(source)s
            {%- for column, staged in staged_key.items() %}
            and t.{{ column | ident }} = audit.read_as(
                r.payload ->> {{ staged.name | literal }}, null::{{ staged.type | type }}
            )
            {%- endfor %}
    )
{%- endif %};

-- name: join
create unlogged table {{ staging | ident }}.{{ joined | ident }} as
with both_sides as (
    select
        {%- for column in key_parts %}
        coalesce(s.{{ column | ident }}, t.{{ column | ident }}) as {{ column | ident }},
        {%- endfor %}
        {%- for column in numbers %}
        s.{{ column | ident }} as {{ ("_source_" ~ loop.index) | ident }},
        t.{{ column | ident }} as {{ ("_target_" ~ loop.index) | ident }},
        {%- endfor %}
        s._hash as _source_hash,
        t._hash as _target_hash,
        case
            when t._hash is null then 'missing'
            when s._hash is null and t._source_decides then 'extra'
            when s._hash is null then 'kept'
            when s._hash != t._hash then 'changed'
            else 'same'
        end as _finding
    from {{ staging | ident }}.{{ sides.source | ident }} as s
    full outer join {{ staging | ident }}.{{ sides.target | ident }} as t
        on {{ key_parts | equal('s', 't') }}
),

-- rows of one first part of the key are never torn apart
counted as (
    select
        b.*,
        rank() over (order by b.{{ key_parts[0] | ident }}) - 1 as _place,
        count(*) over () as _total
    from both_sides as b
    where b._finding != 'kept'
)

select
    c.*,
    c._place * least(
        greatest((c._total + %(rows_per_range)s - 1) / %(rows_per_range)s, 1), %(max_ranges)s
    ) / c._total as _range
from counted as c;

-- name: count_kept
select count(*)
from {{ staging | ident }}.{{ sides.target | ident }} as t
where
    not t._source_decides
    and not exists (
        select from {{ staging | ident }}.{{ sides.source | ident }} as s
        where {{ key_parts | equal('s', 't') }}
    );
