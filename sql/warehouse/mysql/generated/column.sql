-- LT02: the linter loses the indent between the template's branches
-- noqa: disable=LT02
-- grain: one column of {{ relation }}, brought to what the catalog declares of it
{%- set described %}
{%- if change != "refer" and description %} comment {{ description[:1024] | literal }}{% endif %}
{%- endset %}
alter table {{ schema | ident }}.{{ relation | ident }}
{% if change == "add" -%}
add column {{ column | ident }} {{ type | type }}{{ described }};
{%- elif change == "refer" -%}
add column {{ column | ident }} {{ type | type }} not null default -1,
add foreign key ({{ column | ident }})
references warehouse.{{ other.relation | ident }} ({{ other.surrogate | ident }});
{%- elif change == "widen" -%}
modify column {{ column | ident }} {{ type | key_type if is_key else type | type }}
{{- " not null" if present.is_required }}{{ described }};
{%- if type == "text" and narrow in ["boolean", "time", "timestamp"] %}
-- As texts of such values are landed, and PostgreSQL writes them.
update {{ schema | ident }}.{{ relation | ident }}
set
    {{ column | ident }} =
    {%- if narrow == "boolean" %}
    if({{ column | ident }} = '1', 'true', 'false')
    {%- else %}
    concat(
        regexp_replace({{ column | ident }}, '[.]?0+$', ''),
        '{{ "+00" if narrow == "timestamp" }}'
    )
    {%- endif %}
where {{ column | ident }} is not null;
{%- endif %}
{%- else -%}
modify column {{ column | ident }} {{ present.type }} null{{ described }};
{%- endif %}
