-- grain: statements that leave of {{ relation }} the rows of the ranges that differ
-- reads: {{ staging }}.{{ relation }}, {{ staging }}: the ranges

-- name: open
drop table if exists {{ staging | ident }}.{{ narrowed | ident }};
create table {{ staging | ident }}.{{ narrowed | ident }}
like {{ staging | ident }}.{{ relation | ident }};

-- name: fill
drop temporary table if exists audit.differing_ranges;
create temporary table audit.differing_ranges as
{%- for ranges in there %}
select
    r.low,
    r.high
from {{ staging | ident }}.{{ ranges | ident }} as r
where r.differs
{{- " union all" if not loop.last }}
{%- endfor %};

insert into {{ staging | ident }}.{{ narrowed | ident }} ({{ columns | idents }})
select {{ columns | idents('s') }}
from {{ staging | ident }}.{{ relation | ident }} as s
where
    exists (
        select 1 from audit.differing_ranges as r
        where
            (r.low is null or s.{{ column | ident }} >= r.low)
            and (r.high is null or s.{{ column | ident }} < r.high)
    )
order by s._row;

-- name: swap
-- Both at once, so that a run that is killed leaves the one state or the other.
rename table
{{ staging | ident }}.{{ relation | ident }} to {{ staging | ident }}.{{ whole | ident }},
{{ staging | ident }}.{{ narrowed | ident }} to {{ staging | ident }}.{{ relation | ident }};
