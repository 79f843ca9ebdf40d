-- grain: one row per incident: those that are open, then the 20 that were over last
-- reads: audit.incidents, audit.alerts
with messages as (
    select
        incident_id,
        count(case when is_sent then 1 end) as sent_count,
        count(case when not is_sent then 1 end) as unsent_count
    from audit.alerts
    group by incident_id
),

ranked as (
    select
        incidents.*,
        row_number() over (
            order by closed_at is null desc, closed_at desc, incident_id desc
        ) as place,
        count(case when closed_at is null then 1 end) over () as open_count
    from audit.incidents
)

select
    case when ranked.closed_at is null then 'open' else 'over' end as state,
    ranked.severity,
    ranked.kind,
    ranked.table_name,
    {{ "ranked.summary" | first_line }} as summary,
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
        when ranked.closed_at is not null then 0
        when ranked.severity = 'critical' then 1
        when ranked.severity = 'warning' then 2
        else 3
    end asc,
    coalesce(ranked.closed_at, ranked.opened_at) desc,
    ranked.incident_id desc;
