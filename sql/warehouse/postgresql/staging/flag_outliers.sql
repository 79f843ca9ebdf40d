-- grain: one flag per row of {{ relation }} whose {{ column }} is not NULL (law F5)
-- reads: {{ schema }}.{{ relation }}
-- Records are compared as a whole, and in them NULL equals NULL. What is not finite makes no
-- difference of nothing.
{%- macro ordered(value) -%}
{{ value }}{% if kind == 'double' %} order by {{ value }}{% endif %}
{%- endmacro %}

-- name: flag_iqr
with known as (
    select
        row({{ by | idents('s') }}) as group_key,
        s.{{ column | ident }} as known_value
    from {{ schema | ident }}.{{ relation | ident }} as s
    where s.{{ column | ident }} - s.{{ column | ident }} = 0
),

ranked as (
    select
        k.group_key,
        k.known_value,
        row_number() over (partition by k.group_key order by k.known_value) as place,
        count(*) over (partition by k.group_key) - 1 as last_place
    from known as k
),

-- not percentile_cont, which knows floats only (law F2); it lies between rows in the same way
neighbours as (
    select
        r.group_key,
        max(r.known_value) filter (where r.place = 1 + r.last_place / 4) as below_lower,
        max(r.known_value) filter (where r.place <= 2 + r.last_place / 4) as above_lower,
        max(mod(r.last_place, 4)) / 4.0 as lower_part,
        max(r.known_value) filter (where r.place = 1 + 3 * r.last_place / 4) as below_upper,
        max(r.known_value) filter (where r.place <= 2 + 3 * r.last_place / 4) as above_upper,
        max(mod(3 * r.last_place, 4)) / 4.0 as upper_part
    from ranked as r
    group by r.group_key
),

quartiles as (
    select
        n.group_key,
        n.below_lower + n.lower_part * (n.above_lower - n.below_lower) as lower_quartile,
        n.below_upper + n.upper_part * (n.above_upper - n.below_upper) as upper_quartile
    from neighbours as n
),

limits as (
    select
        q.group_key,
        q.lower_quartile - %(threshold)s * (q.upper_quartile - q.lower_quartile) as lowest,
        q.upper_quartile + %(threshold)s * (q.upper_quartile - q.lower_quartile) as highest
    from quartiles as q
),

flagged as (
    update {{ schema | ident }}.{{ relation | ident }} as t
    set {{ into | ident }} = t.{{ column | ident }} not between l.lowest and l.highest
    from limits as l
    where
        t.{{ column | ident }} - t.{{ column | ident }} = 0
        and l.group_key = row({{ by | idents('t') }})
    returning 1
)

select count(*) from flagged;

-- name: flag_zscore
with known as (
    select
        row({{ by | idents('s') }}) as group_key,
        s.{{ column | ident }} as known_value
    from {{ schema | ident }}.{{ relation | ident }} as s
    where s.{{ column | ident }} - s.{{ column | ident }} = 0
),

-- the sum of floats depends on their order
spreads as (
    select
        k.group_key,
        min(k.known_value) != max(k.known_value) as is_varied,
        avg({{ ordered("k.known_value") }}) as mean,
        var_samp({{ ordered("k.known_value") }}) as variance
    from known as k
    group by k.group_key
),

flagged as (
    update {{ schema | ident }}.{{ relation | ident }} as t
    set
        {{ into | ident }} = l.is_varied
        and (t.{{ column | ident }} - l.mean) * (t.{{ column | ident }} - l.mean)
        > l.variance * %(threshold)s * %(threshold)s
    from spreads as l
    where
        t.{{ column | ident }} - t.{{ column | ident }} = 0
        and l.group_key = row({{ by | idents('t') }})
    returning 1
)

select count(*) from flagged;

-- name: flag_infinite
with flagged as (
    update {{ schema | ident }}.{{ relation | ident }} as t
    set {{ into | ident }} = true
    where t.{{ column | ident }} - t.{{ column | ident }} != 0
    returning 1
)

select count(*) from flagged
