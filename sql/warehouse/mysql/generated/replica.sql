-- grain: one row per row of the source table, as it is there now
-- name: create
create table replica.{{ relation | ident }} (
    {%- if not key %}
    _row_id bigint auto_increment primary key,
    {%- endif %}
    {%- for column, declared in columns.items() %}
    {{ column | ident }}
    {{ declared.column_type | key_type if column in key else declared.column_type | type }}
    {{- " not null" if declared.is_required }}
    {{- " comment " ~ declared.description[:1024] | literal if declared.description }},
    {%- endfor %}
    _source_cursor longtext comment 'Cursor of the source row, in the source''s own text',
    _inserted_run_id varchar(64) not null,
    _updated_run_id varchar(64) not null
    {%- if key %},
    primary key ({{ key | idents }})
    {%- endif %}
);

-- name: describe
alter table replica.{{ relation | ident }} comment {{ description[:2048] | literal }};
