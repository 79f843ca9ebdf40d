-- grain: one quarantined row per staged row that breaks a critical row rule, with all its rules
-- reads: {{ schema }}.{{ relation }}
{% import "staging/quarantine.sql" as quarantine -%}
with blamed as (
    select
        b.row_number,
        array_agg(b.rule order by b.rule) as rules
    from unnest(%(rows)s::bigint[], %(rules)s::text[]) as b (row_number, rule)
    group by b.row_number
),

taken as (
    delete from {{ schema | ident }}.{{ relation | ident }} as s
    using blamed as b
    where s._row = b.row_number
    returning s.*, b.rules as broken_rules
),

{{ quarantine.keep_taken(schema, grain, "t.broken_rules", ("_row", "broken_rules")) }}
