-- grain: one flag per row of {{ relation }} whose {{ column }} is not NULL (law F5)
-- reads: {{ schema }}.{{ relation }}
{%- macro group_of(alias) -%}
{% if by %}row({{ by | idents(alias) }}){% else %}1{% endif %}
{%- endmacro %}
{%- macro at_place(place) -%}
max(r.known_value) filter (where r.place = {{ place }})
{%- endmacro %}
{%- macro quartile(number) -%}
{{ at_place('1 + %s * (r.total - 1) / 4' | format(number)) }}
        + max(mod({{ number }} * (r.total - 1), 4)) / 4.0
        * (
            {{ at_place('least(2 + %s * (r.total - 1) / 4, r.total)' | format(number)) }}
            - {{ at_place('1 + %s * (r.total - 1) / 4' | format(number)) }}
        )
{%- endmacro %}

-- name: flag_finite
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

{%- if method == 'iqr' %}

-- not percentile_cont, which knows floats only (law F2); quartiles lie between rows as it has them
ranked as (
    select
        k.group_key,
        k.known_value,
        row_number() over (partition by k.group_key order by k.known_value) as place,
        count(*) over (partition by k.group_key) as total
    from known as k
),

quartiles as (
    select
        r.group_key,
        {{ quartile(1) }} as lower_quartile,
        {{ quartile(3) }} as upper_quartile
    from ranked as r
    group by r.group_key
),

judged as (
    select
        q.group_key,
        q.lower_quartile - %(threshold)s * (q.upper_quartile - q.lower_quartile) as lowest,
        q.upper_quartile + %(threshold)s * (q.upper_quartile - q.lower_quartile) as highest
    from quartiles as q
),
{%- else %}

-- the sum of floats depends on their order
judged as (
    select
        k.group_key,
        min(k.known_value) != max(k.known_value) as is_varied,
        avg(k.known_value{% if kind == 'double' %} order by k.known_value{% endif %}) as mean,
        var_samp(k.known_value{% if kind == 'double' %} order by k.known_value{% endif %}) as variance
    from known as k
    group by k.group_key
),
{%- endif %}

flagged as (
    update {{ schema | ident }}.{{ relation | ident }} as t
    set
        {%- if method == 'iqr' %}
        {{ into | ident }} = t.{{ column | ident }} < j.lowest or t.{{ column | ident }} > j.highest
        {%- else %}
        {{ into | ident }} = j.is_varied
        and (t.{{ column | ident }} - j.mean) * (t.{{ column | ident }} - j.mean)
        > %(threshold)s * %(threshold)s * j.variance
        {%- endif %}
    from judged as j
    where
        t.{{ column | ident }} is not null
        {%- if kind == 'double' %}
        and t.{{ column | ident }} not in ('NaN', 'Infinity', '-Infinity')
        {%- endif %}
        and j.group_key = {{ group_of('t') }}
    returning 1
)

select count(*) from flagged;

-- name: flag_infinite
with flagged as (
    update {{ schema | ident }}.{{ relation | ident }} as t
    set {{ into | ident }} = true
    where t.{{ column | ident }}::text in ('NaN', 'Infinity', '-Infinity')
    returning 1
)

select count(*) from flagged
