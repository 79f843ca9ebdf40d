-- grain: one flag per row of {{ relation }} whose {{ column }} is not NULL (law F5)
-- reads: {{ schema }}.{{ relation }}
-- LT02: the linter sees the parts of a loop without what stands around them
-- noqa: disable=LT02
{% from "staging/groups.sql" import group_key -%}
{%- set column_type = staged[column] -%}
{%- set written = column_type[8:-1].split(",") if kind == "decimal" else ["19", "0"] -%}
{%- set digits = written | map("int") | list -%}
{#- Squares of so many digits, summed up, are exact; of more there is no room for them. -#}
{%- set is_exact = kind != "double" and digits[0] <= 22 -%}
{%- macro known_value(alias) -%}
{%- if is_exact -%}
cast({{ alias }}.{{ column | ident }} * 1{{ "0" * digits[1] }} as decimal(65, 0))
{%- else -%}
cast({{ alias }}.{{ column | ident }} as double)
{%- endif -%}
{%- endmacro -%}
-- name: flag_iqr
drop temporary table if exists audit.group_limits;
create temporary table audit.group_limits (group_key binary(32) primary key) as
with known as (
    select
        {{ group_key("s", by, staged) }} as group_key,
        s.{{ column | ident }} as known_value
    from {{ schema | ident }}.{{ relation | ident }} as s
    where s.{{ column | ident }} is not null
),

ranked as (
    select
        k.group_key,
        k.known_value,
        row_number() over (partition by k.group_key order by k.known_value) as place,
        count(*) over (partition by k.group_key) - 1 as last_place
    from known as k
),

-- it lies between rows as percentile_cont of PostgreSQL does
neighbours as (
    select
        r.group_key,
        max(case when r.place = 1 + r.last_place div 4 then r.known_value end) as below_lower,
        max(case when r.place <= 2 + r.last_place div 4 then r.known_value end) as above_lower,
        max(mod(r.last_place, 4)) * 0.25 as lower_part,
        max(case when r.place = 1 + 3 * r.last_place div 4 then r.known_value end) as below_upper,
        max(case when r.place <= 2 + 3 * r.last_place div 4 then r.known_value end) as above_upper,
        max(mod(3 * r.last_place, 4)) * 0.25 as upper_part
    from ranked as r
    group by r.group_key
),

quartiles as (
    select
        n.group_key,
        n.below_lower + n.lower_part * (n.above_lower - n.below_lower) as lower_quartile,
        n.below_upper + n.upper_part * (n.above_upper - n.below_upper) as upper_quartile
    from neighbours as n
)

select
    q.group_key,
    q.lower_quartile - %(threshold)s * (q.upper_quartile - q.lower_quartile) as lowest,
    q.upper_quartile + %(threshold)s * (q.upper_quartile - q.lower_quartile) as highest
from quartiles as q;

update {{ schema | ident }}.{{ relation | ident }} as t
inner join audit.group_limits as l on l.group_key = {{ group_key("t", by, staged) }}
set t.{{ into | ident }} = t.{{ column | ident }} not between l.lowest and l.highest
where t.{{ column | ident }} is not null;

select row_count() as flagged_count;

-- name: flag_zscore
-- A variance of the server is a float, and of floats in no order: the sums are made here.
drop temporary table if exists audit.group_limits;
create temporary table audit.group_limits (group_key binary(32) primary key) as
with known as (
    select
        {{ group_key("s", by, staged) }} as group_key,
        {{ known_value("s") }} as known_value
    from {{ schema | ident }}.{{ relation | ident }} as s
    where s.{{ column | ident }} is not null
)
{%- if is_exact %}

select
    k.group_key,
    cast(count(*) as decimal(65, 0)) as known_count,
    sum(k.known_value) as total,
    sum(k.known_value * k.known_value) as squares
from known as k
group by k.group_key;
{%- else %},

summed as (
    select
        k.group_key,
        k.known_value,
        sum(k.known_value) over w as total,
        count(*) over w as place,
        count(*) over (partition by k.group_key) as known_count
    from known as k
    window w as (partition by k.group_key order by k.known_value rows unbounded preceding)
),

-- Youngs and Cramer, as PostgreSQL does
spread as (
    select
        s.group_key,
        s.total,
        s.place,
        s.known_count,
        sum(
            (s.known_value * s.place - s.total) * (s.known_value * s.place - s.total)
            / (s.place * greatest(s.place - 1e0, 1e0))
        ) over w as deviations,
        min(s.known_value) over (partition by s.group_key)
        != max(s.known_value) over (partition by s.group_key) as is_varied
    from summed as s
    window w as (partition by s.group_key order by s.place rows unbounded preceding)
)

select
    s.group_key,
    s.is_varied,
    s.total / s.known_count as mean,
    s.deviations / greatest(s.known_count - 1e0, 1e0) as variance
from spread as s
where s.place = s.known_count;
{%- endif %}

update {{ schema | ident }}.{{ relation | ident }} as t
inner join audit.group_limits as l on l.group_key = {{ group_key("t", by, staged) }}
set
    t.{{ into | ident }} =
{%- if is_exact %}
    (l.known_count * {{ known_value("t") }} - l.total)
    * (l.known_count * {{ known_value("t") }} - l.total)
    * (l.known_count - 1)
    > (l.known_count * l.squares - l.total * l.total)
    * l.known_count * %(threshold)s * %(threshold)s
{%- else %}
    l.is_varied
    and ({{ known_value("t") }} - l.mean) * ({{ known_value("t") }} - l.mean)
    > l.variance * %(threshold)s * %(threshold)s
{%- endif %}
where t.{{ column | ident }} is not null;

select row_count() as flagged_count;

-- name: flag_infinite
-- No column holds such numbers.
select 0 as flagged_count;
