-- LT02: the linter loses the indent behind the template's loop
-- noqa: disable=LT02
-- grain: statements that bring calendar days into dim_date (law F7)
-- reads: calendar_days
{% import "compare.sql" as compare -%}

-- name: open
drop temporary table if exists {{ "calendar_days" | temporary }};
create temporary table {{ "calendar_days" | temporary }} like warehouse.dim_date;

-- name: merge
drop temporary table if exists {{ "changed_days" | temporary }};
create temporary table {{ "changed_days" | temporary }} as
select {{ columns | idents('c') }}
from {{ "calendar_days" | temporary }} as c
left join warehouse.dim_date as d on c.date_key = d.date_key
where {{ compare.differs(columns, 'c', 'd') }};

insert into warehouse.dim_date ({{ columns | idents }})
select {{ columns | idents('c') }}
from {{ "changed_days" | temporary }} as c
on duplicate key update
    {%- for column in attributes %}
    {{ column | ident }} = c.{{ column | ident }}{{ "," if not loop.last }}
    {%- endfor %};

select count(*) as written
from {{ "changed_days" | temporary }};
