{#- A value of any column as one of a type of the catalog, as an assignment makes it. -#}
{%- macro as_type(sql, type) -%}
{%- if type in ["bigint", "integer", "smallint"] -%}
cast({{ sql }} as signed)
{%- elif type == "text" -%}
cast({{ sql }} as char)
{%- elif type in ["boolean", "json", "bytes", "uuid"] -%}
{{ sql }}
{%- else -%}
cast({{ sql }} as {{ type | type }})
{%- endif -%}
{%- endmacro -%}
