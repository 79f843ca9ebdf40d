-- grain: statements that leave one row per row of {{ relation }} to be looked at, and one per
-- column of it: what its values are like
-- reads: {{ schema }}.{{ relation }}
{#- What tells values apart; texts by code point, which no setting of the server moves. -#}
{% macro value_of(name) -%}
{% if is_opaque %}md5(s.{{ name | ident }}::text)
{%- elif is_measured %}s.{{ name | ident }}
{%- else %}s.{{ name | ident }}::text collate "C"{% endif %}
{%- endmacro %}
{% set value = value_of(column) if column else "null" -%}
{% set text = "c.value" if is_text else "c.value::text" -%}
-- name: sample
create temporary table profiled_rows on commit drop as
-- AM04: the sample has the columns of the staged table, whichever these are
select s.* -- noqa: AM04
from {{ schema | ident }}.{{ relation | ident }} as s
where mod(hash_record_extended(row({{ grain | idents('s') }}), 0), %(every)s) = 0;

-- name: column
with counted as (
    select
        {{ value }} as value,
        count(*) as times
    from {{ rows }} as s
    group by {{ value }}
),

given as (
    select
        c.value,
        c.times,
        {%- if is_measured and shows_values %}
        sum(c.times) over (order by c.value asc rows unbounded preceding) as upto,
        sum(c.times) over () as given_count,
        {%- endif %}
        {{ text }} as shown
    from counted as c
    where c.value is not null
),

frequent as (
    select
        g.value,
        g.times,
        g.shown
    from given as g
    order by g.times desc, g.value asc
    limit %(max_set)s
),

patterns as (
    select
        -- Beyond ASCII, all counts as letters: what is none there is rare, and none of it is shown.
        regexp_replace(
            regexp_replace(left(p.shown, %(longest)s), '[A-Za-z\u0080-\U0010FFFF]', 'A', 'g'),
            '[0-9]', '9', 'g'
        ) as pattern,
        sum(p.times) as times
    from given as p
    where {{ "true" if is_text and shows_values else "false" }}
    group by pattern
),

listed as (
    select
        jsonb_agg(
            jsonb_build_object('pattern', p.pattern, 'count', p.times)
            order by p.times desc, p.pattern asc
        ) as patterns
    from patterns as p
    having count(*) <= %(max_set)s
),

nulls as (
    select coalesce(sum(c.times), 0) as null_count
    from counted as c
    where c.value is null
)

select
    max(n.null_count)::bigint as null_count,
    count(p.value) as distinct_count,
    coalesce(sum(p.times), 0)::bigint as given_count,
    {%- if is_text %}
    min(length(p.shown)) as shortest,
    max(length(p.shown)) as longest,
    coalesce(
        bool_or(strpos(p.shown, '@') > 0 and p.shown ~ {{ holds_email | literal }}), false
    ) as holds_email,
    {%- for form in forms %}
    sum(p.times) filter (where p.shown ~ {{ form | literal }})::bigint as form_{{ loop.index }},
    {%- endfor %}
    {%- endif %}
    {%- if is_number and shows_values %}
    round(
        sum(p.value::numeric * p.times) / nullif(sum(p.times), 0), 6
    ) as mean,
    round(sqrt(abs(
        (
            sum(p.value::numeric * p.value::numeric * p.times)
            - sum(p.value::numeric * p.times) * sum(p.value::numeric * p.times) / sum(p.times)
        ) / nullif(sum(p.times), 0)
    )), 6) as deviation,
    {%- endif %}
    {%- if is_measured and shows_values %}
    array[
        {%- for quantile in quantiles %}
        (min(p.value) filter (where p.upto >= {{ quantile }} * p.given_count))::text
        {{- "," if not loop.last }}
        {%- endfor %}
    ] as quantiles,
    {%- endif %}
    {%- if shows_values %}
    left(min(p.value)::text, %(longest)s) as lowest,
    left(max(p.value)::text, %(longest)s) as highest,
    (
        select
            jsonb_agg(
                jsonb_build_object('value', left(f.shown, %(longest)s), 'count', f.times)
                order by f.times desc, f.value asc
            )
        from frequent as f
        where f.times > 1 or (select count(*) <= %(max_set)s from given)
    ) as top_values,
    (select l.patterns from listed as l) as patterns,
    {%- endif %}
    max(p.times) as most_frequent
from nulls as n
left join given as p on true;

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
        select from audit.profiles as p
        where
            p.run_id = r.run_id
            and p.table_name = %(table_name)s
            and p.is_whole = %(is_whole)s
            and p.row_count > 0
    )
order by r.started_at desc, r.run_id desc
limit 1;
