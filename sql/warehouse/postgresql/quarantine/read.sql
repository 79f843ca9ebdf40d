-- grain: statements for people who look at the quarantine
-- reads: audit.quarantine, audit.runs
{% import "quarantine/matching.sql" as matching -%}
{%- macro entry() -%}
q.quarantine_id as entry_id,
q.table_name,
q.rules,
q.row_key,
q.run_id,
r.pipeline,
r.started_at as held_at,
extract(day from current_timestamp - r.started_at)::integer as age_days,
q.status,
q.payload ->> (%(file_columns)s::jsonb ->> q.table_name) as source_file,
q.as_of,
q.closed_at,
q.closed_run_id,
q.closed_reason
{%- endmacro %}

-- name: rules
select
    broken.rule,
    count(*) filter (where q.status = 'open') as open_count
from audit.quarantine as q
cross join lateral unnest(q.rules) as broken (rule)
group by broken.rule
order by broken.rule;

-- name: groups
select
    q.table_name,
    broken.rule,
    q.run_id,
    r.pipeline,
    count(*) as entry_count,
    r.started_at as held_at,
    extract(day from current_timestamp - r.started_at)::integer as age_days
from audit.quarantine as q
inner join audit.runs as r on q.run_id = r.run_id
cross join lateral unnest(q.rules) as broken (rule)
where {{ matching.matches() }}
group by q.table_name, broken.rule, q.run_id, r.pipeline, r.started_at
order by q.table_name, broken.rule, r.started_at;

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
    status = 'discarded',
    closed_at = current_timestamp,
    closed_reason = %(reason)s
where {{ matching.matches() }};
