-- grain: one row per event of a {{ entity }}: (key, effective_at, sequence, source),
-- append-only (law S1)
create table history.{{ entity | ident }} (
    {%- for column, type in key.items() %}
    {{ column | ident }} {{ type | key_type }} not null,
    {%- endfor %}
    effective_at datetime(6) not null,
    sequence bigint not null default 0,
    source varchar(200) not null,
    operation varchar(16) not null,
    existence boolean not null default true
    comment 'Whether the event says that the member exists or ended (law S3)',
    source_cursor longtext comment 'Cursor of the source row, in the source''s own text',
    absent json not null default ('[]')
    comment 'Attributes that the record did not carry; their values carry forward (law S6)',
    recorded_at datetime(6) not null comment 'Load time, the second axis (law S18)',
    run_id varchar(64) not null,
    {%- for column, type in attributes.items() %}
    {{ column | ident }} {{ type | type }},
    {%- endfor %}
    primary key ({{ key | idents }}, effective_at, sequence, source),
    check (operation in ('upsert', 'delete', 'inferred'))
) comment {{ ("Events from which the versions of dim_" ~ entity ~ " are derived") | literal }};
