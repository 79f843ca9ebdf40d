-- grain: one quarantined row per staged row that breaks a critical row rule, with all its rules
-- reads: {{ schema }}.{{ relation }}
{% import "staging/quarantine.sql" as quarantine -%}
{% from "json.sql" import quoted -%}
-- name: open
drop temporary table if exists audit.blamed_rows;
create temporary table audit.blamed_rows (_row bigint not null, rule int not null);

-- name: blame
insert into audit.blamed_rows (_row, rule)
select
    b._row,
    %(rule)s
from json_table(%(rows)s, '$[*]' columns (_row bigint path '$')) as b;

-- name: move
{{ quarantine.open() }}
insert into audit.taken_rows (_row, rules)
select
    b._row,
    concat('[', group_concat({{ quoted("n.name") }} order by n.name separator ', '), ']')
from audit.blamed_rows as b
inner join json_table(
    %(names)s, '$[*]' columns (place for ordinality, name longtext path '$')
) as n on b.rule = n.place
group by b._row;
{{ quarantine.move(schema, relation, grain, staged) }};
