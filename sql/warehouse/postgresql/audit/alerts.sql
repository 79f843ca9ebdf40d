-- grain: one row per message that was tried
create table if not exists audit.alerts (
    alert_id bigint generated always as identity primary key,
    incident_id bigint not null references audit.incidents (incident_id) on delete cascade,
    kind text not null check (kind in ('opened', 'recovered')),
    route text not null,
    is_sent boolean not null,
    answer text not null,
    tried_at timestamptz not null default current_timestamp
);
comment on table audit.alerts is
'Messages about incidents and what became of them; a failed one fails no load';
comment on column audit.alerts.answer is 'What the services said, without URLs (law P2)';
