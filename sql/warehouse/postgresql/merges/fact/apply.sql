-- grain: statements that bring the rows of this release into {{ fact }}
-- reads: {{ staging }}.{{ rows }}

-- name: count_changes
select
    count(*) filter (where r._change = 'insert') as inserted,
    count(*) filter (where r._change = 'update') as updated,
    count(*) filter (where r._change = 'unchanged') as unchanged
from {{ staging | ident }}.{{ rows | ident }} as r;

-- name: update_changed
update warehouse.{{ fact | ident }} as f
set
    {%- for column in measures %}
    {{ column | ident }} = r.{{ column | ident }},
    {%- endfor %}
    updated_run_id = %(run_id)s
from {{ staging | ident }}.{{ rows | ident }} as r
where r._change = 'update' and {{ grain | equal('r', 'f') }};

-- name: insert_missing
insert into warehouse.{{ fact | ident }} (
    {{ written | idents }}, inserted_run_id, updated_run_id
)
select
    {{ written | idents("r") }},
    %(run_id)s,
    %(run_id)s
from {{ staging | ident }}.{{ rows | ident }} as r
where r._change = 'insert'
order by {{ grain | idents('r') }};

-- name: remove_vanished
delete from warehouse.{{ fact | ident }} as f
using {{ staging | ident }}.{{ rows | ident }} as r
where r._change = 'remove' and {{ grain | equal('r', 'f') }};

-- name: count_sources
-- A row that another one of its grain excels is dropped; so is one of a whole that is told anew.
select
    r._source,
    count(*) filter (where r._change = 'insert') as inserted,
    count(*) filter (where r._change in ('update', 'remove')) as updated,
    count(*) filter (where r._change = 'unchanged') as unchanged,
    count(*) filter (where r._change = 'drop') as dropped
from {{ staging | ident }}.{{ rows | ident }} as r
where r._source > 0
group by r._source;
