-- grain: statements that bring the rows of this release into {{ fact }}
-- reads: {{ staging }}.{{ rows }}

-- name: count_changes
select
    count(case when r._change = 'insert' then 1 end) as inserted,
    count(case when r._change = 'update' then 1 end) as updated,
    count(case when r._change = 'unchanged' then 1 end) as unchanged
from {{ staging | ident }}.{{ rows | ident }} as r;

-- name: update_changed
update warehouse.{{ fact | ident }} as f
inner join {{ staging | ident }}.{{ rows | ident }} as r on {{ grain | equal('r', 'f') }}
set
    {%- for column in measures %}
    f.{{ column | ident }} = r.{{ column | ident }},
    {%- endfor %}
    f.updated_run_id = %(run_id)s
where r._change = 'update';

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
delete from warehouse.{{ fact | ident }}
using warehouse.{{ fact | ident }}
inner join {{ staging | ident }}.{{ rows | ident }} as r
    on {{ grain | equal('r', fact | ident) }}
where r._change = 'remove';

-- name: count_sources
-- A row that another one of its grain excels is dropped; so is one of a whole that is told anew.
select
    r._source,
    count(case when r._change = 'insert' then 1 end) as inserted,
    count(case when r._change in ('update', 'remove') then 1 end) as updated,
    count(case when r._change = 'unchanged' then 1 end) as unchanged,
    count(case when r._change = 'drop' then 1 end) as dropped
from {{ staging | ident }}.{{ rows | ident }} as r
where r._source > 0
group by r._source;
