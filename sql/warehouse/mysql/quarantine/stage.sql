-- grain: statements that put the chosen entries of {{ table }} back into {{ relation }}
-- reads: audit.quarantine, audit.runs, {{ schema }}._replayed
{% import "json.sql" as json -%}
-- name: describe
-- One run stages a table in one shape, so that any entry tells it.
select
    coalesce(q.as_of, o.started_at) as as_of,
    json_keys(q.payload) as kept_columns
from {{ schema | ident }}._replayed as r
inner join audit.quarantine as q on r.quarantine_id = q.quarantine_id
inner join audit.runs as o on q.run_id = o.run_id
where r.table_name = %(table_name)s
order by q.quarantine_id
limit 1;

-- name: stage
-- A row keeps the number of its entry, by which the entry is found again.
insert into {{ schema | ident }}.{{ relation | ident }} (
    _row, {{ columns | idents }}, _cursor
)
select
    q.quarantine_id,
    {%- for column in columns %}
    {{ json.read("q.payload", column, staged[column]) | indent }},
    {%- endfor %}
    {{ json.member_text("q.payload", "_cursor") | indent }}
from {{ schema | ident }}._replayed as r
inner join audit.quarantine as q on r.quarantine_id = q.quarantine_id
where r.table_name = %(table_name)s
order by q.quarantine_id;

-- name: note
insert into {{ schema | ident }}._parts (relation, part, row_count, rejected_count)
select
    %(relation)s,
    'replayed',
    count(*),
    0
from {{ schema | ident }}.{{ relation | ident }};

-- name: mark
update {{ schema | ident }}._replayed
set is_staged = true
where table_name = %(table_name)s;
