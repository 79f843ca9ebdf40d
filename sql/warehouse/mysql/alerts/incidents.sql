-- grain: statements that keep what is wrong and who was told of it
-- reads: audit.incidents, audit.alerts

-- name: note
insert into audit.incidents (pipeline, table_name, kind, severity, summary, opened_run_id)
select
    n.pipeline,
    n.table_name,
    n.kind,
    n.severity,
    n.summary,
    n.run_id
from (
    select
        %(pipeline)s as pipeline,
        %(table_name)s as table_name,
        %(kind)s as kind,
        %(severity)s as severity,
        %(summary)s as summary,
        %(run_id)s as run_id
) as n
on duplicate key update
    severity = n.severity,
    summary = n.summary,
    last_seen_at = utc_timestamp(6),
    seen_count = seen_count + 1;

-- name: close
-- What the run judged and did not see any more is over.
update audit.incidents as i
set
    i.closed_at = utc_timestamp(6),
    i.closed_run_id = %(run_id)s
where
    i.closed_at is null
    and (
        (i.table_name = '' and i.pipeline = %(pipeline)s and %(succeeded)s)
        or (
            i.table_name in (
                select j.table_name
                from
                    json_table(%(judged)s, '$[*]' columns (table_name varchar(255) path '$')) as j
            )
            and (i.kind = 'reconciliation') = %(is_reconciliation)s
        )
    )
    and not exists (
        select 1
        from
            json_table(
                %(seen_tables)s,
                '$[*]' columns (n for ordinality, table_name varchar(255) path '$')
            ) as s
        inner join
            json_table(
                %(seen_kinds)s, '$[*]' columns (n for ordinality, kind varchar(255) path '$')
            ) as k
            on s.n = k.n
        where s.table_name = i.table_name and k.kind = i.kind
    );

-- name: close_undeclared
-- No run will judge it again.
update audit.incidents as i
set
    i.closed_at = utc_timestamp(6),
    i.closed_run_id = %(run_id)s,
    i.summary = concat(
        substring_index(i.summary, '\n', 1),
        ' (closed: the catalog no longer declares the table)',
        substr(i.summary, char_length(substring_index(i.summary, '\n', 1)) + 1)
    )
where
    i.closed_at is null
    and i.table_name != ''
    and i.table_name not in (
        select j.table_name
        from
            json_table(%(declared)s, '$[*]' columns (table_name varchar(255) path '$')) as j
    );

-- name: matters
-- Open incidents, and closed ones of which somebody who was told does not know that they are over.
with told as (
    select distinct
        a.incident_id,
        a.kind,
        a.route
    from audit.alerts as a
    where a.is_sent
),

listed as (
    select
        t.incident_id,
        t.kind,
        json_arrayagg(t.route) as routes
    from told as t
    group by t.incident_id, t.kind
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
    coalesce(opened.routes, '[]') as told,
    coalesce(recovered.routes, '[]') as told_over
from audit.incidents as i
left join listed as opened on i.incident_id = opened.incident_id and opened.kind = 'opened'
left join listed as recovered
    on i.incident_id = recovered.incident_id and recovered.kind = 'recovered'
where
    i.closed_at is null
    or exists (
        select 1
        from told as t
        left join told as o
            on t.incident_id = o.incident_id and t.route = o.route and o.kind = 'recovered'
        where t.incident_id = i.incident_id and t.kind = 'opened' and o.route is null
    )
order by i.incident_id;

-- name: keep
insert into audit.alerts (incident_id, kind, route, is_sent, answer)
values (%(incident_id)s, %(kind)s, %(route)s, %(is_sent)s, %(answer)s);
