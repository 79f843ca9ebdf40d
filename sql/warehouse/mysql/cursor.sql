{#- A cursor, or a bound of one, as it is compared with others; both are kept as texts. -#}
{%- macro as_cursor(sql) -%}
{%- if cursor_kind == "integer" %}cast({{ sql }} as decimal(65, 0)){% else %}{{ sql }}{% endif -%}
{%- endmacro -%}
