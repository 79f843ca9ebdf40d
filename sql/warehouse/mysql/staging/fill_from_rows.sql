-- grain: one value per group, which stands in for NULL in {{ column }} (law F5)
-- reads: {{ schema }}.{{ relation }}
{% from "staging/groups.sql" import group_key -%}
drop temporary table if exists audit.group_fills;
create temporary table audit.group_fills (group_key binary(32) primary key) as
with known as (
    select
        {{ group_key("s", by, staged) }} as group_key,
        s.{{ column | ident }} as known_value
    from {{ schema | ident }}.{{ relation | ident }} as s
    where s.{{ column | ident }} is not null
),

{%- if method == 'mean' and kind == 'double' %}

-- the sum of floats depends on their order
summed as (
    select
        k.group_key,
        sum(k.known_value) over w as total,
        count(*) over w as place,
        count(*) over (partition by k.group_key) as known_count
    from known as k
    window w as (partition by k.group_key order by k.known_value rows unbounded preceding)
),

fills as (
    select
        s.group_key,
        s.total / s.known_count as fill_value
    from summed as s
    where s.place = s.known_count
)
{%- elif method == 'mean' %}

fills as (
    select
        k.group_key,
        avg(k.known_value) as fill_value
    from known as k
    group by k.group_key
)
{%- elif method == 'median' %}

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
    where r.place in ((r.total + 1) div 2, (r.total + 2) div 2)
    group by r.group_key
)
{%- else %}

counted as (
    select
        k.group_key,
        k.known_value,
        count(*) as frequency
    from known as k
    group by k.group_key, k.known_value
),

ranked as (
    select
        c.group_key,
        c.known_value,
        row_number() over (
            partition by c.group_key order by c.frequency desc, c.known_value asc
        ) as place
    from counted as c
),

fills as (
    select
        r.group_key,
        r.known_value as fill_value
    from ranked as r
    where r.place = 1
)
{%- endif %}

select
    f.group_key,
    f.fill_value
from fills as f;

update {{ schema | ident }}.{{ relation | ident }} as t
inner join audit.group_fills as f on f.group_key = {{ group_key("t", by, staged) }}
set t.{{ column | ident }} = f.fill_value
where t.{{ column | ident }} is null;

select row_count() as filled_count;
