-- grain: one quarantined row per staged row that breaks a critical row rule, with all its rules
-- reads: {{ schema }}.{{ relation }}
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

kept as (
    insert into {{ schema | ident }}._quarantine (table_name, row_key, rules, payload)
    select
        %(table_name)s,
        jsonb_build_object(
            {%- for column in grain %}
            {{ column | literal }}, t.{{ column | ident }}{{ "," if not loop.last }}
            {%- endfor %}
        ),
        t.broken_rules,
        to_jsonb(t) - '_row' - 'broken_rules'
    from taken as t
    returning 1
)

select count(*) from kept
