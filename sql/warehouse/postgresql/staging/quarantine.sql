-- LT02: the linter sees a macro's part of a statement without what stands around it
-- noqa: disable=LT02
{#- Rows that "taken" took out of staging wait in the run's quarantine; says how many. -#}
{% macro keep_taken(schema, grain, rules, left_out=("_row",)) -%}
kept as (
    insert into {{ schema | ident }}._quarantine (
        table_name, row_key, rules, payload, row_number
    )
    select
        %(table_name)s,
        jsonb_build_object(
            {%- for column in grain %}
            {{ column | literal }}, t.{{ column | ident }}{{ "," if not loop.last }}
            {%- endfor %}
        ),
        {{ rules }},
        to_jsonb(t){% for column in left_out %} - {{ column | literal }}{% endfor %},
        t._row
    from taken as t
    returning 1
)

select count(*) from kept
{%- endmacro %}
