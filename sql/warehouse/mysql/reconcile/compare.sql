-- grain: statements that hold the two sides of an image against each other
-- reads: what the statements of the image's own file read, {{ staging }}._rejected
{% import "json.sql" as json -%}
{% from "indexes.sql" import parts -%}
{% from "read_as.sql" import read_as -%}
{% from "reconcile/hash.sql" import row_hash -%}
{%- macro keys() -%}
{%- for column, type in key_types.items() -%}
{{ column | ident }} {{ type | key_type if staged_key else "bigint unsigned" }},
    {% endfor -%}
index ({{ parts(key_types) }})
{%- endmacro %}

-- name: make_source
create table {{ staging | ident }}.{{ sides.source | ident }} (
    {{ keys() }}
) as
with told as (
    {{ select_source }}
)

select
    {{ (key_parts + numbers) | idents('t') }},
    {{ row_hash("t", columns) | indent }} as _hash
from told as t;
analyze local table {{ staging | ident }}.{{ sides.source | ident }};

-- name: make_target
-- What was set aside at the source is left out here, too.
create table {{ staging | ident }}.{{ sides.target | ident }} (
    {{ keys() }}
) as
with held as (
    {{ select_target }}
)

select
    {{ (key_parts + numbers) | idents('t') }},
    t._source_decides,
    {{ row_hash("t", columns) | indent }} as _hash
from held as t
{%- if staged_key %}
where
    not exists (
        select 1 from {{ staging | ident }}.{{ aside | ident }} as a
        where {{ staged_key | equal('a', 't') }}
    )
    and not exists (
        select 1
        from (
            select
            {%- for column, staged in staged_key.items() %}
                {{ read_as(json.member_text("r.payload", staged.name), staged.type) | indent(16) }}
                    as {{ column | ident }}{{ "," if not loop.last }}
            {%- endfor %}
            from {{ staging | ident }}._rejected as r
            where r.table_name = %(source)s
        ) as r
        where {{ staged_key | equal('r', 't') }}
    )
{%- endif %};
analyze local table {{ staging | ident }}.{{ sides.target | ident }};

-- name: join
-- Rows of one first part of the key are never torn apart.
create table {{ staging | ident }}.{{ joined | ident }} (
    {{ keys() }}
) as
with both_sides as (
    select
        {{ key_parts | idents('s') }},
        {%- for column in numbers %}
        s.{{ column | ident }} as {{ ("_source_" ~ loop.index) | ident }},
        t.{{ column | ident }} as {{ ("_target_" ~ loop.index) | ident }},
        {%- endfor %}
        s._hash as _source_hash,
        t._hash as _target_hash,
        case
            when t._hash is null then 'missing'
            when s._hash != t._hash then 'changed'
            else 'same'
        end as _finding
    from {{ staging | ident }}.{{ sides.source | ident }} as s
    left join {{ staging | ident }}.{{ sides.target | ident }} as t
        on {{ key_parts | equal('s', 't') }}
    union all
    select
        {{ key_parts | idents('t') }},
        {%- for column in numbers %}
        null as {{ ("_source_" ~ loop.index) | ident }},
        t.{{ column | ident }} as {{ ("_target_" ~ loop.index) | ident }},
        {%- endfor %}
        null as _source_hash,
        t._hash as _target_hash,
        'extra' as _finding
    from {{ staging | ident }}.{{ sides.target | ident }} as t
    where
        t._source_decides
        and not exists (
            select 1 from {{ staging | ident }}.{{ sides.source | ident }} as s
            where {{ key_parts | equal('s', 't') }}
        )
),

counted as (
    select
        b.*,
        rank() over (order by b.{{ key_parts[0] | ident }}) - 1 as _place,
        count(*) over () as _total
    from both_sides as b
)

select
    c.*,
    c._place * least(
        greatest((c._total + %(rows_per_range)s - 1) div %(rows_per_range)s, 1), %(max_ranges)s
    ) div c._total as _range
from counted as c;

-- name: count_kept
select count(*)
from {{ staging | ident }}.{{ sides.target | ident }} as t
where
    not t._source_decides
    and not exists (
        select 1 from {{ staging | ident }}.{{ sides.source | ident }} as s
        where {{ key_parts | equal('s', 't') }}
    );
