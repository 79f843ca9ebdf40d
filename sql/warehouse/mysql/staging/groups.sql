{#-
grain: one value for the columns by which rows are grouped; NULL equals NULL in it

Texts may be longer than what a server sorts by, so groups are told apart by a hash of all they hold.
-#}
{%- import "json.sql" as json -%}
{%- macro group_key(alias, by, staged) -%}
unhex(sha2(json_array({{ _values(alias, by, staged) }}), 256))
{%- endmacro -%}

{%- macro _values(alias, by, staged) -%}
{%- for column in by -%}
{{ json.value(alias ~ "." ~ (column | ident), staged[column]) }}{{ ", " if not loop.last }}
{%- endfor -%}
{%- endmacro -%}
