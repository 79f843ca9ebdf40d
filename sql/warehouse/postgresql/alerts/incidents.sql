-- grain: statements that keep what is wrong and who was told of it
-- reads: audit.incidents, audit.alerts

-- name: note
insert into audit.incidents (pipeline, table_name, kind, severity, summary, opened_run_id)
values (
    %(pipeline)s, %(table_name)s, %(kind)s, %(severity)s, %(summary)s, %(run_id)s
)
on conflict ((case table_name when '' then pipeline else '' end), table_name, kind)
where closed_at is null
do update set
    severity = excluded.severity,
    summary = excluded.summary,
    last_seen_at = current_timestamp,
    seen_count = incidents.seen_count + 1;

-- name: close
-- What the run judged and did not see any more is over.
update audit.incidents as i
set
    closed_at = current_timestamp,
    closed_run_id = %(run_id)s
where
    i.closed_at is null
    and (
        (i.table_name = '' and i.pipeline = %(pipeline)s and %(succeeded)s)
        or (
            i.table_name = any(%(judged)s)
            and (i.kind = 'reconciliation') = %(is_reconciliation)s
        )
    )
    and not exists (
        select from unnest(%(seen_tables)s::text[], %(seen_kinds)s::text[]) as s (table_name, kind)
        where s.table_name = i.table_name and s.kind = i.kind
    );

-- name: close_undeclared
-- No run will judge it again.
update audit.incidents as i
set
    closed_at = current_timestamp,
    closed_run_id = %(run_id)s,
    summary = regexp_replace(
        i.summary, '^[^\n]*', '\& (closed: the catalog no longer declares the table)'
    )
where i.closed_at is null and i.table_name != '' and i.table_name != all(%(declared)s);

-- name: matters
-- Open incidents, and closed ones of which somebody who was told does not know that they are over.
with told as (
    select
        a.incident_id,
        coalesce(array_agg(distinct a.route) filter (where a.kind = 'opened'), '{}') as told,
        coalesce(array_agg(distinct a.route) filter (where a.kind = 'recovered'), '{}') as told_over
    from audit.alerts as a
    where a.is_sent
    group by a.incident_id
)

select
    i.incident_id,
    i.pipeline,
    i.table_name,
    i.kind,
    i.severity,
    i.summary,
    i.closed_at is not null as is_over,
    i.opened_at,
    i.closed_at,
    coalesce(t.told, '{}') as told,
    coalesce(t.told_over, '{}') as told_over
from audit.incidents as i
left join told as t on i.incident_id = t.incident_id
where i.closed_at is null or not (t.told <@ t.told_over)
order by i.incident_id;

-- name: keep
insert into audit.alerts (incident_id, kind, route, is_sent, answer)
values (%(incident_id)s, %(kind)s, %(route)s, %(is_sent)s, %(answer)s);
