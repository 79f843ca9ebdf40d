-- grain: statements that put the chosen entries of {{ table }} back into {{ relation }}
-- reads: audit.quarantine, audit.runs, {{ schema }}._replayed

-- name: describe
-- One run stages a table in one shape, so that any entry tells it.
select
    coalesce(q.as_of, o.started_at) as as_of,
    array(select jsonb_object_keys(q.payload)) as columns
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
overriding system value
select
    q.quarantine_id,
    {%- for column in columns %}
    {%- if column in json_columns %}
    case
        when q.payload -> '_json_nulls' @> to_jsonb({{ column | literal }}::text) then 'null'
        else v.{{ column | ident }}
    end,
    {%- else %}
    v.{{ column | ident }},
    {%- endif %}
    {%- endfor %}
    q.payload ->> '_cursor'
from {{ schema | ident }}._replayed as r
inner join audit.quarantine as q on r.quarantine_id = q.quarantine_id
cross join
    lateral jsonb_populate_record(null::{{ schema | ident }}.{{ relation | ident }}, q.payload) as v
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
