-- grain: statements that say what a replay has to do
-- reads: audit.quarantine, audit.runs
{% import "quarantine/matching.sql" as matching -%}
{% import "json.sql" as json -%}
-- name: find_batches
with {{ matching.incomplete(parts, unfinished) }}

select
    q.run_id,
    concat(
        '[',
        group_concat(
            distinct {{ json.quoted("q.table_name") }} order by q.table_name separator ', '
        ),
        ']'
    ) as batch_tables,
    count(*) as entries
from audit.quarantine as q
inner join audit.runs as r on q.run_id = r.run_id
where
    {{ matching.matches() }}
    and not exists (select 1 from incomplete as i where i.quarantine_id = q.quarantine_id)
group by q.run_id, r.started_at
order by min(coalesce(q.as_of, r.started_at)), r.started_at, q.run_id;

-- name: find_incomplete
with {{ matching.incomplete(parts, unfinished) }}

select
    q.table_name,
    count(*) as entries
from audit.quarantine as q
where
    {{ matching.matches() }}
    and (
        %(from_source)s
        or exists (select 1 from incomplete as i where i.quarantine_id = q.quarantine_id)
    )
group by q.table_name
order by q.table_name;
