-- grain: statements that bring the rows of this release into the copy {{ target }}
-- reads: {{ staging }}.{{ rows }}, {{ staging }}.{{ relation }}

-- name: count_changes
select
    count(*) filter (where r._change = 'insert') as inserted,
    count(*) filter (where r._change = 'update') as updated,
    count(*) filter (where r._change = 'unchanged') as unchanged,
    count(*) filter (where r._change = 'remove' and r._row is not null) as flagged,
    count(*) filter (where r._change = 'drop') as dropped,
    count(*) filter (where r._change = 'remove' and r._row is null) as vanished
from {{ staging | ident }}.{{ rows | ident }} as r;

-- name: count_present
select count(*) as present from replica.{{ target | ident }};

-- name: remove
delete from replica.{{ target | ident }} as t
using {{ staging | ident }}.{{ rows | ident }} as r
where r._change = 'remove' and {{ identity | equal('r', 't') }};

-- name: update_changed
update replica.{{ target | ident }} as t
set
    {%- for column in columns %}
    {{ column | ident }} = s.{{ column | ident }},
    {%- endfor %}
    _source_cursor = s._cursor,
    _updated_run_id = %(run_id)s
from {{ staging | ident }}.{{ rows | ident }} as r
inner join {{ staging | ident }}.{{ relation | ident }} as s on r._row = s._row
where r._change = 'update' and {{ identity | equal('r', 't') }};

-- name: insert_missing
insert into replica.{{ target | ident }} (
    {{ written | idents }}, _source_cursor, _inserted_run_id, _updated_run_id
)
select
    {{ written | idents('s') }},
    s._cursor,
    %(run_id)s,
    %(run_id)s
from {{ staging | ident }}.{{ rows | ident }} as r
inner join {{ staging | ident }}.{{ relation | ident }} as s on r._row = s._row
where r._change = 'insert'
order by s._row;
