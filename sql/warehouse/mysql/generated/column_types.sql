-- grain: one row per column of some tables, with its type as the server has it
-- reads: the catalog of the system
{% for schema, relation in places -%}
select
    c.column_name,
    {{ "c" | shown }} as column_type
from information_schema.columns as c
where
    c.table_schema = {{ (prefix ~ schema) | literal }}
    and c.table_name = {{ relation | literal }}
{{ "union all" if not loop.last }}
{% endfor %}
