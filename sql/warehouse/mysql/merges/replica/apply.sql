-- grain: statements that bring the rows of this release into the copy {{ target }}
-- reads: {{ staging }}.{{ rows }}, {{ staging }}.{{ relation }}
-- LT02: the linter loses the indent between the template's loops
-- noqa: disable=LT02

-- name: count_changes
select
    count(case when r._change = 'insert' then 1 end) as inserted,
    count(case when r._change = 'update' then 1 end) as updated,
    count(case when r._change = 'unchanged' then 1 end) as unchanged,
    count(case when r._change = 'remove' and r._row is not null then 1 end) as flagged,
    count(case when r._change = 'drop' then 1 end) as dropped,
    count(case when r._change = 'remove' and r._row is null then 1 end) as vanished
from {{ staging | ident }}.{{ rows | ident }} as r;

-- name: count_present
select count(*) as present from replica.{{ target | ident }};

-- name: remove
delete from replica.{{ target | ident }}
using replica.{{ target | ident }}
inner join {{ staging | ident }}.{{ rows | ident }} as r
    on {{ identity | equal("r", "replica." ~ (target | ident)) }}
where r._change = 'remove';

-- name: update_changed
update replica.{{ target | ident }} as t
inner join {{ staging | ident }}.{{ rows | ident }} as r on {{ identity | equal('r', 't') }}
inner join {{ staging | ident }}.{{ relation | ident }} as s on r._row = s._row
set
    {%- for column in columns %}
    t.{{ column | ident }} = s.{{ column | ident }},
    {%- endfor %}
    t._source_cursor = s._cursor,
    t._updated_run_id = %(run_id)s
where r._change = 'update';

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
