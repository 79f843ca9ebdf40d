-- grain: one row per event of a {{ entity }}: (key, effective_at, sequence, source),
-- append-only (law S1)
create table history.{{ entity | ident }} (
    {%- for column, type in key.items() %}
    {{ column | ident }} {{ type | type }} not null,
    {%- endfor %}
    effective_at timestamptz not null,
    sequence bigint not null default 0,
    source text not null,
    operation text not null check (operation in ('upsert', 'delete', 'inferred')),
    existence boolean not null default true,
    source_cursor text,
    absent text[] not null default '{}',
    recorded_at timestamptz not null,
    run_id text not null,
    {%- for column, type in attributes.items() %}
    {{ column | ident }} {{ type | type }},
    {%- endfor %}
    primary key ({{ key | idents }}, effective_at, sequence, source)
);
comment on table history.{{ entity | ident }} is
{{ ("Events from which the versions of dim_" ~ entity ~ " are derived") | literal }};
comment on column history.{{ entity | ident }}.absent is
'Attributes that the record did not carry; their values carry forward (law S6)';
comment on column history.{{ entity | ident }}.existence is
'Whether the event says that the member exists or ended (law S3)';
comment on column history.{{ entity | ident }}.recorded_at is
'Load time, the second axis (law S18)';
comment on column history.{{ entity | ident }}.source_cursor is
'Cursor of the source row, in the source''s own text';
