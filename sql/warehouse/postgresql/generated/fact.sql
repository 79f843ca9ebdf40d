-- grain: one row per {{ grain | join(', ') }} (law F1)
create table warehouse.{{ relation | ident }} (
    {{ row_id | ident }} bigint generated always as identity primary key,
    {%- for column, declared in columns.items() %}
    {{ column | ident }} {{ declared.column_type | type }}{{ " not null" if declared.is_required }},
    {%- endfor %}
    {%- for column, other in references.items() %}
    {{ column | ident }} {{ other.type | type }} not null default -1
    references warehouse.{{ other.relation | ident }} ({{ other.surrogate | ident }}),
    {%- endfor %}
    inserted_run_id text not null,
    updated_run_id text not null,
    unique ({{ grain | idents }})
);
{%- for column in references %}
create index on warehouse.{{ relation | ident }} ({{ column | ident }});
{%- endfor %}
{%- if complete_by %}
create index on warehouse.{{ relation | ident }} ({{ complete_by | idents }});
{%- endif %}
comment on table warehouse.{{ relation | ident }} is
{{ ("One row per (" ~ grain | join(", ") ~ "): " ~ description) | literal }};
{%- for column, declared in columns.items() if declared.description %}
comment on column warehouse.{{ relation | ident }}.{{ column | ident }} is
{{ declared.description | literal }};
{%- endfor %}
