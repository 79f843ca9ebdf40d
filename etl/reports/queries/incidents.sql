-- grain: one row per incident: those that are open, then the 20 that were over last
-- reads: audit.incidents, audit.alerts
with messages as (
    select
        incident_id,
        count(*) filter (where is_sent) as sent_count,
        count(*) filter (where not is_sent) as unsent_count
    from audit.alerts
    group by incident_id
),

ranked as (
    select
        *,
        row_number() over (order by closed_at desc nulls first, incident_id desc) as place,
        count(*) filter (where closed_at is null) over () as open_count
    from audit.incidents
)

select
    case when ranked.closed_at is null then 'open' else 'over' end as state,
    ranked.severity,
    ranked.kind,
    ranked.table_name,
    split_part(ranked.summary, e'\n', 1) as summary,
    ranked.opened_at,
    ranked.last_seen_at,
    ranked.seen_count,
    ranked.closed_at,
    coalesce(messages.sent_count, 0) as sent_count,
    coalesce(messages.unsent_count, 0) as unsent_count,
    ranked.pipeline,
    ranked.opened_run_id as run_id
from ranked
left join messages on ranked.incident_id = messages.incident_id
where ranked.place <= ranked.open_count + 20
order by
    (ranked.closed_at is null) desc,
    case
        when ranked.closed_at is null
            then array_position(array['critical', 'warning', 'info'], ranked.severity)
    end asc,
    coalesce(ranked.closed_at, ranked.opened_at) desc,
    ranked.incident_id desc;
