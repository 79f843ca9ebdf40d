-- grain: statements that leave rows of {{ relation }} where their parent row is staged (law Q2)
-- reads: {{ schema }}.{{ relation }}, {{ schema }}.{{ parent_relation }}, {{ schema }}._quarantine,
-- {{ schema }}._rejected
-- LT02: the linter sees the parts of a loop without what stands around them
-- noqa: disable=LT02
{% import "staging/quarantine.sql" as quarantine -%}
{% from "indexes.sql" import parts -%}
{% from "json.sql" import member_text -%}
{% from "read_as.sql" import read_as -%}
{#- Landed numbers may have more digits before the point than the column. -#}
{%- macro room_for(type) -%}
{%- if type.startswith("decimal") -%}
decimal(65,{{ type.split(",")[1] }}
{%- else -%}
{{ type | type }}
{%- endif -%}
{%- endmacro %}
-- name: quarantine_orphans
drop temporary table if exists audit.parent_keys;
create temporary table audit.parent_keys (
    {%- for child in keys %}
    {{ child | ident }} {{ room_for(types[child]) }},
    {%- endfor %}
    index ({{ parts(types) }})
);
insert into audit.parent_keys ({{ keys | idents }})
with bad_parents as (
    {%- for relation in ["_quarantine", "_rejected"] %}
    select
        {%- for child, own in keys.items() %}
        {{ member_text("q.payload", own) }} as {{ child | ident }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ schema | ident }}.{{ relation }} as q
    where q.table_name = %(parent)s
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select distinct
    {%- for child in keys %}
    {{ read_as("p." ~ (child | ident), types[child]) }} as {{ child | ident }}
    {{- "," if not loop.last }}
    {%- endfor %}
from bad_parents as p;

{{ quarantine.open() }}
insert into audit.taken_rows (_row, rules)
select distinct
    s._row,
    '["parent_is_held_back"]'
from {{ schema | ident }}.{{ relation | ident }} as s
inner join audit.parent_keys as p
    on
    {%- for child in keys %}
        {{ "and " if not loop.first }}s.{{ child | ident }} = p.{{ child | ident }}
    {%- endfor %};
{{ quarantine.move(schema, relation, grain, staged) }};

-- name: drop_superseded
-- What names no parent has none that changed meanwhile; the gate judges it.
delete from {{ schema | ident }}.{{ relation | ident }}
using {{ schema | ident }}.{{ relation | ident }}
left join {{ schema | ident }}.{{ parent_relation | ident }} as p
    on
    {%- for child, own in keys.items() %}
        {{ "and " if not loop.first -}}
        {{ relation | ident }}.{{ child | ident }} = p.{{ own | ident }}
    {%- endfor %}
where
    p._row is null
    {%- for child in keys %}
    and {{ relation | ident }}.{{ child | ident }} is not null
    {%- endfor %};
select row_count() as dropped_count;
