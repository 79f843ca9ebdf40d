-- grain: statements that leave rows of {{ relation }} where their parent row is staged (law Q2)
-- reads: {{ schema }}.{{ relation }}, {{ schema }}.{{ parent_relation }}, {{ schema }}._quarantine,
-- {{ schema }}._rejected
{% import "staging/quarantine.sql" as quarantine -%}
-- name: quarantine_orphans
with bad_parents as (
    select q.payload
    from {{ schema | ident }}._quarantine as q
    where q.table_name = %(parent)s
    union all
    select r.payload
    from {{ schema | ident }}._rejected as r
    where r.table_name = %(parent)s
),

parent_keys as (
    select distinct
    {%- for child, own in keys.items() %}
        audit.read_as(p.payload ->> {{ own | literal }}, null::{{ types[child] | type }})
            as {{ child | ident }}{{ "," if not loop.last }}
    {%- endfor %}
    from bad_parents as p
),

taken as (
    delete from {{ schema | ident }}.{{ relation | ident }} as s
    using parent_keys as p
    where
    {%- for child in keys %}
        {{ "and " if not loop.first }}s.{{ child | ident }} = p.{{ child | ident }}
    {%- endfor %}
    returning s.*
),

{{ quarantine.keep_taken(
    schema, grain, json_columns, "array['parent_is_held_back']"
) }};

-- name: drop_superseded
with superseded as (
    delete from {{ schema | ident }}.{{ relation | ident }} as s
    where
        -- What names no parent has none that changed meanwhile; the gate judges it. Of num_nulls()
        -- the planner expects one row in 200, and looks 900,000 parents up one by one.
        {%- for child in keys %}
        {{ "and " if not loop.first }}s.{{ child | ident }} is not null
        {%- endfor %}
        and not exists (
            select from {{ schema | ident }}.{{ parent_relation | ident }} as p
            where
            {%- for child, own in keys.items() %}
                {{ "and " if not loop.first }}p.{{ own | ident }} = s.{{ child | ident }}
            {%- endfor %}
        )
    returning 1
)

select count(*) from superseded;
