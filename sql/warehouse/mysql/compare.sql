{#- NULL equals NULL. Many columns are compared one by one: rows cannot be compared so. -#}
{% macro same(columns, left, right) -%}
{%- for column in columns -%}
{{ left }}.{{ column | ident }} <=> {{ right }}.{{ column | ident }}{{ " and " if not loop.last }}
{%- else -%}
true
{%- endfor -%}
{%- endmacro %}
{% macro differs(columns, left, right) -%}
not ({{ same(columns, left, right) }})
{%- endmacro %}
{#- The same for columns that are called otherwise on the right. -#}
{% macro same_named(columns, left, right) -%}
{%- for column, named in columns.items() -%}
{{ left }}.{{ column | ident }} <=> {{ right }}.{{ named | ident }}{{ " and " if not loop.last }}
{%- else -%}
true
{%- endfor -%}
{%- endmacro %}
