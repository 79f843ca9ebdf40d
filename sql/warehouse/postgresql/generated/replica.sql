-- grain: one row per row of the source table, as it is there now
-- name: create
create table replica.{{ relation | ident }} (
    {%- if not key %}
    _row_id bigint generated always as identity primary key,
    {%- endif %}
    {%- for column, declared in columns.items() %}
    {{ column | ident }} {{ declared.column_type | type }}{{ " not null" if declared.is_required }},
    {%- endfor %}
    _source_cursor text,
    _inserted_run_id text not null,
    _updated_run_id text not null
    {%- if key %},
    primary key ({{ key | idents }})
    {%- endif %}
);

-- name: describe
comment on table replica.{{ relation | ident }} is {{ description | literal }};
comment on column replica.{{ relation | ident }}._source_cursor is
'Cursor of the source row, in the source''s own text';
{%- for column, declared in columns.items() if declared.description %}
comment on column replica.{{ relation | ident }}.{{ column | ident }} is
{{ declared.description | literal }};
{%- endfor %}
