-- LT02: the linter loses the indent between the template's loops
-- noqa: disable=LT02
-- grain: one row per key of {{ relation }} that a chosen entry names, its own or one of a child,
-- in the types of the staged table
-- reads: {{ schema }}._replayed, audit.quarantine
{% import "json.sql" as json -%}
drop temporary table if exists audit.keys_to_read;
create temporary table audit.keys_to_read (
    {%- for column in key %}
    {{ column | ident }} {{ staged[column] | key_type }}{{ "," if not loop.last }}
    {%- endfor %}
);
{%- for name, columns in named_in.items() %}
insert into audit.keys_to_read ({{ columns | idents }})
select
    {%- for own, theirs in columns.items() %}
    {{ json.read("q.payload", theirs, staged[own]) | indent }}{{ "," if not loop.last }}
    {%- endfor %}
from {{ schema | ident }}._replayed as r
inner join audit.quarantine as q on r.quarantine_id = q.quarantine_id
where r.table_name = {{ name | literal }};
{%- endfor %}
select distinct {{ key | idents('v') }}
from audit.keys_to_read as v
