-- grain: one quarantined row per staged row that breaks a critical row rule, with all its rules
-- reads: {{ schema }}.{{ relation }}
{% import "staging/quarantine.sql" as quarantine -%}
-- name: open
create temporary table blamed_rows (_row bigint not null, rule integer not null) on commit drop;

-- name: blame
insert into blamed_rows (_row, rule)
select
    b._row,
    %(rule)s
from unnest(%(rows)s::bigint[]) as b (_row);

-- name: move
with names as (
    select
        n.name,
        n.place
    from unnest(%(names)s::text[]) with ordinality as n (name, place)
),

blamed as (
    select
        b._row,
        array_agg(n.name order by n.name) as rules
    from blamed_rows as b
    inner join names as n on b.rule = n.place
    group by b._row
),

taken as (
    delete from {{ schema | ident }}.{{ relation | ident }} as s
    using blamed as b
    where s._row = b._row
    returning s.*, b.rules as _broken_rules
),

{{ quarantine.keep_taken(
    schema, grain, json_columns, "t._broken_rules", ("_row", "_broken_rules")
) }};
