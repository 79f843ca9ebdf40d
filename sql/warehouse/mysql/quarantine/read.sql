-- LT02: the linter loses the indent between the template's loops
-- noqa: disable=LT02
-- grain: statements for people who look at the quarantine
-- reads: audit.quarantine, audit.runs
{% import "quarantine/matching.sql" as matching -%}
{% import "json.sql" as json -%}
{%- macro entry() -%}
q.quarantine_id as entry_id,
q.table_name,
q.rules,
q.row_key,
q.run_id,
r.pipeline,
r.started_at as held_at,
timestampdiff(day, r.started_at, utc_timestamp(6)) as age_days,
q.status,
{%- if file_columns %}
case q.table_name
    {%- for table, column in file_columns.items() %}
    when {{ table | literal }} then {{ json.member_text("q.payload", column) | indent }}
    {%- endfor %}
end as source_file,
{%- else %}
null as source_file,
{%- endif %}
q.as_of,
q.closed_at,
q.closed_run_id,
q.closed_reason
{%- endmacro %}

-- name: rules
select
    cast(broken.rule as char) as rule,
    count(case when q.status = 'open' then 1 end) as open_count
from audit.quarantine as q
cross join {{ matching.rules_of("q") }} as broken
group by cast(broken.rule as char)
order by cast(broken.rule as char);

-- name: groups
select
    q.table_name,
    cast(broken.rule as char) as rule,
    q.run_id,
    r.pipeline,
    count(*) as entry_count,
    r.started_at as held_at,
    timestampdiff(day, r.started_at, utc_timestamp(6)) as age_days
from audit.quarantine as q
inner join audit.runs as r on q.run_id = r.run_id
cross join {{ matching.rules_of("q") }} as broken
where {{ matching.matches() }}
group by q.table_name, cast(broken.rule as char), q.run_id, r.pipeline, r.started_at
order by q.table_name, cast(broken.rule as char), r.started_at;

-- name: entries
select
    {{ entry() }}
from audit.quarantine as q
inner join audit.runs as r on q.run_id = r.run_id
where {{ matching.matches() }}
order by r.started_at, q.table_name, q.quarantine_id
limit %(limit)s;

-- name: entry
-- Whatever became of it.
select
    {{ entry() }},
    q.payload
from audit.quarantine as q
inner join audit.runs as r on q.run_id = r.run_id
where q.quarantine_id = %(entry_id)s;

-- name: discard
update audit.quarantine as q
set
    q.status = 'discarded',
    q.closed_at = utc_timestamp(6),
    q.closed_reason = %(reason)s
where {{ matching.matches() }};
