-- LT02: the linter loses the indent between the template's loops
-- noqa: disable=LT02
-- grain: one row per key of {{ relation }} that a chosen entry names, its own or one of a child,
-- in the types of the staged table
-- reads: {{ schema }}._replayed, audit.quarantine
select distinct {{ key | idents('v') }}
from {{ schema | ident }}._replayed as r
inner join audit.quarantine as q on r.quarantine_id = q.quarantine_id
cross join lateral jsonb_populate_record(
    null::{{ schema | ident }}.{{ relation | ident }},
    case r.table_name
        {%- for name, columns in named_in.items() %}
        when {{ name | literal }} then jsonb_build_object(
            {%- for own, theirs in columns.items() %}
            {{ own | literal }}, q.payload -> {{ theirs | literal }}{{ "," if not loop.last }}
            {%- endfor %}
        )
        {%- endfor %}
    end
) as v
where
    r.table_name in (
        {%- for n in named_in %}{{ n | literal }}{{ ", " if not loop.last }}{% endfor -%}
    )
