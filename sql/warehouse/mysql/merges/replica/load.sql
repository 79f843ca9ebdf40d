-- grain: statements that bring the rows of this release into the copy {{ target }},
-- without a comparison
-- reads: {{ staging }}.{{ relation }}, replica.{{ target }}
-- LT01, LT02: the linter loses the indent between the template's loops
-- noqa: disable=LT01,LT02
{% macro insert_into_copy() -%}
insert into replica.{{ target | ident }} (
    {{ written | idents }}, _source_cursor, _inserted_run_id, _updated_run_id
)
select
    {{ written | idents('s') }},
    s._cursor,
    %(run_id)s,
    %(run_id)s
from {{ staging | ident }}.{{ relation | ident }} as s
where s._row > %(after)s and s._row <= %(upto)s and not {{ is_gone }}
order by s._row
{%- endmacro %}

-- name: count_rows
select
    count(case when not {{ is_gone }} then 1 end) as total,
    {%- if key %}
    count(case when not {{ is_gone }} and t._updated_run_id is not null then 1 end) as known,
    {%- else %}
    0 as known,
    {%- endif %}
    count(case when {{ is_gone }} then 1 end) as flagged
from {{ staging | ident }}.{{ relation | ident }} as s
{%- if key %}
left join replica.{{ target | ident }} as t on {{ key | equal('t', 's') }}
{%- endif %};

-- name: last_row
select max(s._row) from {{ staging | ident }}.{{ relation | ident }} as s;

-- name: remove_flagged
delete from replica.{{ target | ident }}
using replica.{{ target | ident }}
inner join {{ staging | ident }}.{{ relation | ident }} as s
    on {{ key | equal("s", "replica." ~ (target | ident)) if key else "false" }}
where {{ is_gone }};

-- name: append
{{ insert_into_copy() }};
{%- if key %}

-- name: on_duplicate_ignore
{{ insert_into_copy() }}
on duplicate key update _updated_run_id = replica.{{ target | ident }}._updated_run_id;

-- name: on_duplicate_update
{{ insert_into_copy() }}
on duplicate key update
    {%- for column in columns %}
    {{ column | ident }} = values({{ column | ident }}),
    {%- endfor %}
    _source_cursor = values(_source_cursor),
    _updated_run_id = values(_updated_run_id);
{%- endif %}
