-- grain: one value per group, which stands in for NULL in {{ column }} (law F5)
-- reads: {{ schema }}.{{ relation }}
{%- macro group_of(alias) -%}
{% if by %}row({{ by | idents(alias) }}){% else %}1{% endif %}
{%- endmacro %}
with known as (
    select
        {{ group_of('s') }} as group_key,
        s.{{ column | ident }} as known_value
    from {{ schema | ident }}.{{ relation | ident }} as s
    where
        s.{{ column | ident }} is not null
        {%- if kind == 'double' %}
        and s.{{ column | ident }} not in ('NaN', 'Infinity', '-Infinity')
        {%- endif %}
),

{%- if method == 'mean' %}

-- the sum of floats depends on their order
fills as (
    select
        k.group_key,
        avg(k.known_value{% if kind == 'double' %} order by k.known_value{% endif %}) as fill_value
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
    order by c.group_key, c.frequency desc, c.known_value{% if kind == 'text' %} collate "C"{% endif %}
),
{%- endif %}

filled as (
    update {{ schema | ident }}.{{ relation | ident }} as t
    set {{ column | ident }} = f.fill_value
    from fills as f
    -- records are compared as a whole: NULL equals NULL in them
    where t.{{ column | ident }} is null and f.group_key = {{ group_of('t') }}
    returning 1
)

select count(*) from filled
