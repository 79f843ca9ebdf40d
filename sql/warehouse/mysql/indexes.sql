{#-
grain: the columns of an index that is not unique; of texts as many characters as there is room for

An index has at most 3072 bytes, four of them for each character.
-#}
{%- macro parts(columns) -%}
{%- set long = columns.values() | select("in", ["text", "json", "bytes"]) | list | length -%}
{%- for name, type in columns.items() -%}
{{ name | ident }}
{%- if type in ["text", "json", "bytes"] %}({{ [255, 700 // long] | min }}){% endif %}
{{- ", " if not loop.last }}
{%- endfor -%}
{%- endmacro -%}
