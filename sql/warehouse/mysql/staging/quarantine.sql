{#-
grain: statements that move rows out of staging into the run's quarantine, and say how many

Which rows those are stands in audit.taken_rows: "_row" and the rules that they broke, as a JSON array.
-#}
{%- import "json.sql" as json -%}
{%- macro open() -%}
drop temporary table if exists audit.taken_rows;
create temporary table audit.taken_rows (_row bigint primary key, rules longtext not null);
{%- endmacro -%}

{%- macro move(schema, relation, grain, staged) -%}
{%- set key = {} -%}
{%- for column in grain %}{% set _ = key.update({column: staged[column]}) %}{% endfor -%}
insert into {{ schema | ident }}._quarantine (
    table_name, row_key, rules, payload, `row_number`
)
select
    %(table_name)s,
    {{ json.document("t", key) }},
    k.rules,
    {{ json.payload("t", staged) }},
    t._row
from audit.taken_rows as k
inner join {{ schema | ident }}.{{ relation | ident }} as t on k._row = t._row;

-- not by an alias, which MariaDB takes only where a database was chosen
delete from {{ schema | ident }}.{{ relation | ident }}
using {{ schema | ident }}.{{ relation | ident }}
inner join audit.taken_rows as k on {{ relation | ident }}._row = k._row;

select row_count() as moved_count
{%- endmacro -%}
