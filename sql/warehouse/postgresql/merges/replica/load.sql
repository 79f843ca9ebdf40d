-- grain: statements that bring the rows of this release into the copy {{ target }},
-- without a comparison
-- reads: {{ staging }}.{{ relation }}, replica.{{ target }}
-- AL05: the linter does not see the alias in the template's condition
-- noqa: disable=AL05
{% macro rows_of_a_batch() -%}
select
    {{ written | idents('s') }},
    s._cursor,
    %(run_id)s,
    %(run_id)s
from {{ staging | ident }}.{{ relation | ident }} as s
where s._row > %(after)s and s._row <= %(upto)s and not {{ is_gone }}
order by s._row
{%- endmacro %}
{% macro insert_into_copy() -%}
insert into replica.{{ target | ident }} (
    {{ written | idents }}, _source_cursor, _inserted_run_id, _updated_run_id
)
{{ rows_of_a_batch() }}
{%- endmacro %}

-- name: count_rows
select
    count(*) filter (where not {{ is_gone }}) as total,
    {%- if key %}
    count(*) filter (
        where
        not {{ is_gone }}
        and exists (
            select from replica.{{ target | ident }} as t where {{ key | equal('t', 's') }}
        )
    ) as known,
    {%- else %}
    0 as known,
    {%- endif %}
    count(*) filter (where {{ is_gone }}) as flagged
from {{ staging | ident }}.{{ relation | ident }} as s;

-- name: last_row
select max(s._row) from {{ staging | ident }}.{{ relation | ident }} as s;

-- name: remove_flagged
delete from replica.{{ target | ident }} as t
using {{ staging | ident }}.{{ relation | ident }} as s
where {{ is_gone }} and {{ key | equal('s', 't') if key else "false" }};

-- name: append
{{ insert_into_copy() }};
{%- if key %}

-- name: on_duplicate_ignore
{{ insert_into_copy() }}
on conflict ({{ key | idents }}) do nothing;

-- name: on_duplicate_update
{{ insert_into_copy() }}
on conflict ({{ key | idents }}) do update set
    {%- for column in columns %}
    {{ column | ident }} = excluded.{{ column | ident }},
    {%- endfor %}
    _source_cursor = excluded._source_cursor,
    _updated_run_id = excluded._updated_run_id;
{%- endif %}
