-- grain: one column of {{ relation }}, brought to what the catalog declares of it
alter table {{ schema | ident }}.{{ relation | ident }}
{% if change == "add" -%}
add column {{ column | ident }} {{ type | type }}
{%- elif change == "refer" -%}
add column {{ column | ident }} {{ type | type }} not null default -1
references warehouse.{{ other.relation | ident }} ({{ other.surrogate | ident }})
{%- elif change == "widen" -%}
alter column {{ column | ident }} type {{ type | type }}
using {{ column | ident }}::{{ type | type }}
{%- else -%}
alter column {{ column | ident }} drop not null
{%- endif %};
{%- if change in ["add", "widen"] and description %}
comment on column {{ schema | ident }}.{{ relation | ident }}.{{ column | ident }} is
{{ description | literal }};
{%- endif %}
