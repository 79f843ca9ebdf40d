-- LT02: the linter sees a macro's part of a statement without what stands around it
-- noqa: disable=LT02
{#- Rows that "taken" took out of staging wait in the run's quarantine; says how many.
    A payload cannot tell the null of a JSON document from no value: "_json_nulls" names the
    columns that hold the first. -#}
{% macro keep_taken(schema, grain, json_columns, rules, left_out=("_row",)) -%}
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
        to_jsonb(t.*){% for column in left_out %} - {{ column | literal }}{% endfor %}
        {%- if json_columns %}
        || coalesce(
            (
                select jsonb_build_object('_json_nulls', jsonb_agg(n.name order by n.name))
                from (
                    values
                    {%- for column in json_columns %}
                    ({{ column | literal }}, t.{{ column | ident }}){{ "," if not loop.last }}
                    {%- endfor %}
                ) as n (name, value)
                where n.value = 'null'::jsonb
                having count(*) > 0
            ),
            '{}'
        )
        {%- endif %},
        t._row
    from taken as t
    returning 1
)

select count(*) from kept
{%- endmacro %}
