-- LT02, LT05: the linter sees a macro's expression as one line without a statement around it
-- noqa: disable=LT02,LT05
{#- A hash of 64 bits of a row: equal for equal values in columns of the same types. Each value stands
    behind its length, so that no two rows are told alike. -#}
{%- macro row_hash(alias, columns) -%}
cast(conv(left(sha2({{ row_bytes(alias, columns) }}, 256), 16), 16, 10) as unsigned)
{%- endmacro -%}
{%- macro row_bytes(alias, columns) -%}
concat(
    {%- for column in columns %}
    coalesce(
        concat(
            length({{ alias }}.{{ column | ident }}), ':', cast({{ alias }}.{{ column | ident }} as binary)
        ),
        '-'
    )
    {{- "," if not loop.last }}
    {%- endfor %}
)
{%- endmacro -%}
