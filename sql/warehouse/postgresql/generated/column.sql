-- grain: one column of {{ relation }}, brought to what the catalog declares of it
alter table {{ schema | ident }}.{{ relation | ident }}
{% if change == "add" -%}
add column {{ column | ident }} {{ type }}
{%- elif change == "refer" -%}
add column {{ column | ident }} {{ type }} not null default -1
references warehouse.{{ other.relation | ident }} ({{ other.surrogate | ident }})
{%- elif change == "widen" -%}
alter column {{ column | ident }} type {{ type }} using {{ column | ident }}::{{ type }}
{%- else -%}
alter column {{ column | ident }} drop not null
{%- endif %}
