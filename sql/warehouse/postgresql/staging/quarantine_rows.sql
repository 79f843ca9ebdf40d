-- grain: one quarantined row per staged row that breaks a critical row rule, with all its rules
-- reads: {{ schema }}.{{ relation }}
{% import "staging/quarantine.sql" as quarantine -%}
with names as (
    select
        n.name,
        n.place
    from unnest(%(names)s::text[]) with ordinality as n (name, place)
),

blamed as (
    select
        b.row_number,
        array_agg(n.name order by n.name) as rules
    from unnest(%(rows)s::bigint[], %(rules)s::integer[]) as b (row_number, rule)
    inner join names as n on b.rule = n.place
    group by b.row_number
),

taken as (
    delete from {{ schema | ident }}.{{ relation | ident }} as s
    using blamed as b
    where s._row = b.row_number
    returning s.*, b.rules as _broken_rules
),

{{ quarantine.keep_taken(
    schema, grain, json_columns, "t._broken_rules", ("_row", "_broken_rules")
) }}
