{#- A cursor, or a bound of one, as it is compared with others; both are kept as texts. -#}
{%- macro as_cursor(sql) -%}
{{ sql }}::{{ "numeric" if cursor_kind == "integer" else "text" }}
{%- endmacro -%}
