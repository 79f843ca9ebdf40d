-- grain: statements that leave one row per row of {{ relation }} to be looked at, and one per
-- column of it: what its values are like
-- reads: {{ schema }}.{{ relation }}
{% from "staging/groups.sql" import group_key -%}
{% import "json.sql" as json -%}
{#- What tells values apart; texts by code point. -#}
{%- macro value_of(named) -%}
{%- if is_opaque %}md5({{ json.text(named, type) }})
{%- elif is_measured %}{{ named }}
{%- else %}{{ json.text(named, type) }}{% endif -%}
{%- endmacro %}
{%- macro shown(value) -%}
{% if is_measured %}{{ json.text(value, type) }}{% else %}{{ value }}{% endif %}
{%- endmacro -%}
{#- Of whole numbers products need more room than they have themselves. -#}
{%- macro exact(value) -%}
{% if type in ["bigint", "integer", "smallint"] -%}
cast({{ value }} as decimal(30, 0))
{%- else -%}
{{ value }}
{%- endif %}
{%- endmacro -%}
{#- What is larger than the column of the profile has no mean to be shown. -#}
{%- macro rounded(number) -%}
{%- if type == "double" -%}
case when abs({{ number }}) < 1e58 then cast({{ number }} as decimal(65, 6)) end
{%- else -%}
cast({{ number }} as decimal(65, 6))
{%- endif -%}
{%- endmacro -%}
-- name: sample
drop temporary table if exists audit.profiled_rows;
create temporary table audit.profiled_rows as
-- AM04: the sample has the columns of the staged table, whichever these are
select s.* -- noqa: AM04
from {{ schema | ident }}.{{ relation | ident }} as s
where
    mod(
        cast(conv(left(hex({{ group_key("s", grain, staged) }}), 15), 16, 10) as unsigned),
        %(every)s
    ) = 0;

-- name: column
-- Each table is named once per statement, as a temporary one must be.
drop temporary table if exists audit.profiled_values, audit.profiled_counts, audit.profiled_given;
drop temporary table if exists audit.profiled_frequent, audit.profiled_patterns;
create temporary table audit.profiled_values as
with seen as (
    select {{ value_of("s." ~ (column | ident)) }} as value
    from {{ rows }} as s
)

select
    s.value,
    count(*) as times
from seen as s
group by s.value;

create temporary table audit.profiled_counts as
select
    cast(coalesce(sum(case when v.value is null then v.times end), 0) as signed) as null_count,
    cast(coalesce(sum(case when v.value is not null then v.times end), 0) as signed) as given_count,
    count(v.value) as distinct_count
from audit.profiled_values as v;

create temporary table audit.profiled_given as
select
    v.value,
    v.times,
    {%- if is_measured and shows_values %}
    sum(v.times) over (order by v.value asc rows unbounded preceding) as upto,
    {%- endif %}
    {{ shown("v.value") }} as shown
from audit.profiled_values as v
where v.value is not null
{%- if is_measured %}
-- the sum of floats depends on their order
order by v.value
{%- endif %};
{%- if shows_values %}

create temporary table audit.profiled_frequent as
with frequent as (
    select
        g.value,
        g.times,
        g.shown
    from audit.profiled_given as g
    order by g.times desc, g.value asc
    limit %(max_set)s
)

select
    concat(
        '[',
        group_concat(
            json_object('value', left(f.shown, %(longest)s), 'count', f.times)
            order by f.times desc, f.value asc separator ', '
        ),
        ']'
    ) as top_values
from frequent as f
cross join audit.profiled_counts as c
where f.times > 1 or c.distinct_count <= %(max_set)s;

create temporary table audit.profiled_patterns as
with patterns as (
    select
        -- Beyond ASCII, all counts as letters: what is none there is rare, and none of it is shown.
        regexp_replace(
            regexp_replace(left(p.shown, %(longest)s), '[A-Za-z\\x{80}-\\x{10FFFF}]', 'A'),
            '[0-9]',
            '9'
        ) as pattern,
        p.times
    from audit.profiled_given as p
    where {{ "true" if is_text else "false" }}
),

summed as (
    select
        p.pattern,
        cast(sum(p.times) as signed) as times
    from patterns as p
    group by p.pattern
)

select
    concat(
        '[',
        group_concat(
            json_object('pattern', s.pattern, 'count', s.times)
            order by s.times desc, s.pattern asc separator ', '
        ),
        ']'
    ) as patterns
from summed as s
having count(*) <= %(max_set)s;
{%- endif %}

select
    max(c.null_count) as null_count,
    count(p.value) as distinct_count,
    cast(coalesce(sum(p.times), 0) as signed) as given_count,
    {%- if is_text %}
    min(char_length(p.shown)) as shortest,
    max(char_length(p.shown)) as longest,
    coalesce(
        max(locate('@', p.shown) > 0 and p.shown regexp {{ holds_email | literal }}), false
    ) as holds_email,
    {%- for form in forms %}
    cast(sum(case when p.shown regexp {{ form | literal }} then p.times end) as signed)
        as form_{{ loop.index }},
    {%- endfor %}
    {%- endif %}
    {%- if is_number and shows_values %}
    {{ rounded("sum(" ~ exact("p.value") ~ " * p.times) / nullif(sum(p.times), 0)") }} as mean,
    {{ rounded(
        "sqrt(abs((sum(" ~ exact("p.value") ~ " * " ~ exact("p.value") ~ " * p.times)"
        ~ " - sum(" ~ exact("p.value") ~ " * p.times) * sum(" ~ exact("p.value") ~ " * p.times)"
        ~ " / sum(p.times)) / nullif(sum(p.times), 0)))"
    ) }} as deviation,
    {%- endif %}
    {%- if is_measured and shows_values %}
    json_array(
        {%- for quantile in quantiles %}
        {{ json.text(
            "min(case when p.upto >= " ~ quantile
            ~ " * c.given_count then p.value end)",
            type
        ) }}
        {{- "," if not loop.last }}
        {%- endfor %}
    ) as quantiles,
    {%- endif %}
    {%- if shows_values %}
    left({{ shown("min(p.value)") }}, %(longest)s) as lowest,
    left({{ shown("max(p.value)") }}, %(longest)s) as highest,
    (select f.top_values from audit.profiled_frequent as f) as top_values,
    (select l.patterns from audit.profiled_patterns as l) as patterns,
    {%- endif %}
    max(p.times) as most_frequent
from audit.profiled_counts as c
left join audit.profiled_given as p on true;

-- name: earlier
select
    r.run_id,
    r.started_at
from audit.runs as r
where
    r.pipeline = %(pipeline)s
    and r.is_backfill = %(is_backfill)s
    and r.status = 'succeeded'
    and r.run_id != %(run_id)s
    and r.started_at <= (select own.started_at from audit.runs as own where own.run_id = %(run_id)s)
    and exists (
        select 1 from audit.profiles as p
        where
            p.run_id = r.run_id
            and p.table_name = %(table_name)s
            and p.is_whole = %(is_whole)s
            and p.row_count > 0
    )
order by r.started_at desc, r.run_id desc
limit 1;
