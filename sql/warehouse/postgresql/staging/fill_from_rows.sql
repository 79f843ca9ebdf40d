-- grain: one value per group, which stands in for NULL in {{ column }} (law F5)
-- reads: {{ schema }}.{{ relation }}
{%- macro known_of(value) -%}
{% if method == 'mode' %}{{ value }} is not null{% else %}{{ value }} - {{ value }} = 0{% endif %}
{%- endmacro %}
{%- macro key_of(value) -%}
{% if kind == 'text' %}convert_to({{ value }}, 'UTF8'){% else %}{{ value }}{% endif %}
{%- endmacro %}
{%- macro ordered(value) -%}
{{ value }}{% if kind == 'double' %} order by {{ value }}{% endif %}
{%- endmacro %}
with known as (
    select
        row({{ by | idents('s') }}) as group_key,
        s.{{ column | ident }} as known_value
    from {{ schema | ident }}.{{ relation | ident }} as s
    -- what is not finite makes no difference of nothing
    where {{ known_of("s." ~ (column | ident)) }}
),

{%- if method == 'mean' %}

-- the sum of floats depends on their order
fills as (
    select
        k.group_key,
        avg({{ ordered("k.known_value") }}) as fill_value
    from known as k
    group by k.group_key
),
{%- elif method == 'median' %}

-- not percentile_cont, which knows floats only (law F2)
ranked as (
    select
        k.group_key,
        k.known_value,
        row_number() over (partition by k.group_key order by k.known_value) as place,
        count(*) over (partition by k.group_key) as total
    from known as k
),

fills as (
    select
        r.group_key,
        avg(r.known_value) as fill_value
    from ranked as r
    where r.place in ((r.total + 1) / 2, (r.total + 2) / 2)
    group by r.group_key
),
{%- else %}

counted as (
    select
        k.group_key,
        k.known_value,
        count(*) as frequency
    from known as k
    group by k.group_key, k.known_value
),

fills as (
    select distinct on (c.group_key)
        c.group_key,
        c.known_value as fill_value
    from counted as c
    -- the order of texts is that of their bytes, whatever the database's collation
    order by c.group_key asc, c.frequency desc, {{ key_of("c.known_value") }} asc
),
{%- endif %}

filled as (
    update {{ schema | ident }}.{{ relation | ident }} as t
    set {{ column | ident }} = f.fill_value
    from fills as f
    -- records are compared as a whole, and in them NULL equals NULL
    where t.{{ column | ident }} is null and f.group_key = row({{ by | idents('t') }})
    returning 1
)

select count(*) from filled
