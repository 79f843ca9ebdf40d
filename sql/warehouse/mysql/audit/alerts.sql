-- grain: one row per message that was tried
create table if not exists audit.alerts (
    alert_id bigint auto_increment primary key,
    incident_id bigint not null,
    kind varchar(16) not null,
    route varchar(255) not null,
    is_sent boolean not null,
    answer longtext not null comment 'What the services said, without URLs (law P2)',
    tried_at datetime(6) not null default (utc_timestamp(6)),
    foreign key (incident_id) references audit.incidents (incident_id) on delete cascade,
    check (kind in ('opened', 'recovered'))
) comment 'Messages about incidents and what became of them; a failed one fails no load';
