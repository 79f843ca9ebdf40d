-- grain: one row per {{ grain | join(', ') }} (law F1)
create table warehouse.{{ relation | ident }} (
    {{ row_id | ident }} bigint auto_increment primary key,
    {%- for column, declared in columns.items() %}
    {{ column | ident }}
    {%- set is_indexed = column in grain or column in (complete_by or []) %}
    {{ declared.column_type | key_type if is_indexed else declared.column_type | type }}
    {{- " not null" if declared.is_required }}
    {{- " comment " ~ declared.description[:1024] | literal if declared.description }},
    {%- endfor %}
    {%- for column, other in references.items() %}
    {{ column | ident }} {{ other.type | type }} not null default -1,
    {%- endfor %}
    inserted_run_id varchar(64) not null,
    updated_run_id varchar(64) not null,
    {%- for column, other in references.items() %}
    foreign key ({{ column | ident }})
    references warehouse.{{ other.relation | ident }} ({{ other.surrogate | ident }}),
    index ({{ column | ident }}),
    {%- endfor %}
    {%- if complete_by %}
    index ({{ complete_by | idents }}),
    {%- endif %}
    unique ({{ grain | idents }})
) comment {{
    ("One row per (" ~ grain | join(", ") ~ "): " ~ description)[:2048] | literal
}};
