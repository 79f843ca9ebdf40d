-- grain: one row of {{ relation }} gets the columns of its partner in {{ other_relation }}
-- reads: {{ schema }}.{{ relation }}, {{ schema }}.{{ other_relation }}

-- name: lock
lock table {{ schema | ident }}.{{ other_relation | ident }} in share mode;

-- name: join
-- The other table may be settled or not: one of identical rows counts, contradicting ones do not
-- (law S10).
with partners as (
    select
        {%- for column in columns %}
        (array_agg(o.{{ column | ident }}))[1] as {{ column | ident }},
        {%- endfor %}
        {{ grain | idents('o') }}
    from {{ schema | ident }}.{{ other_relation | ident }} as o
    group by {{ grain | idents('o') }}
    having count(distinct row({{ compared | idents('o') }})) = 1
),

joined as (
    update {{ schema | ident }}.{{ relation | ident }} as t
    set ({{ made | idents }}) = (select {{ columns | idents('p') }})
    from partners as p
    where
    {%- for own, theirs in keys.items() %}
        {{ "and " if not loop.first }}t.{{ own | ident }} = p.{{ theirs | ident }}
    {%- endfor %}
    returning num_nonnulls({{ made | idents('t') }}) as value_count
)

select coalesce(sum(j.value_count), 0) from joined as j
