-- LT02: the linter sees a macro's condition without the statement around it
-- noqa: disable=LT02
{#- A soft delete is a row whose flag says so (law X8); s is the staged row. -#}
{% macro is_gone(deleted_when) -%}
{% if deleted_when %}coalesce(s.{{ deleted_when | ident }}, false){% else %}false{% endif %}
{%- endmacro %}
{#- Whether a row t of the warehouse that is not among the source's rows is wrong (law X8). -#}
{% macro decides(how, staging, relation, key) -%}
{%- if how == "always" -%}
true
{%- elif how == "never" -%}
false
{%- else -%}
exists (
        select 1 from {{ staging | ident }}.{{ relation | ident }} as s
        where
        {%- for name, column in key.items() %}
            {{ "and " if not loop.first }}s.{{ column | ident }} = t.{{ name | ident }}
        {%- endfor %}
    )
{%- endif -%}
{%- endmacro %}
