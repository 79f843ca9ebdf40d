-- grain: statements that leave of {{ relation }} the rows of the ranges that differ
-- reads: {{ staging }}.{{ relation }}, {{ staging }}: the ranges

-- name: open
create unlogged table {{ staging | ident }}.{{ narrowed | ident }} (
    like {{ staging | ident }}.{{ relation | ident }} including all
);

-- name: fill
-- LT02: the linter loses the indent between the template's loops
-- noqa: disable=LT02
insert into {{ staging | ident }}.{{ narrowed | ident }} ({{ columns | idents }})
select {{ columns | idents('s') }}
from {{ staging | ident }}.{{ relation | ident }} as s
where
    {%- for ranges in there %}
    {{ "or " if not loop.first }}exists (
        select from {{ staging | ident }}.{{ ranges | ident }} as r
        where
            r.differs
            and (r.low is null or s.{{ column | ident }} >= r.low)
            and (r.high is null or s.{{ column | ident }} < r.high)
    )
    {%- endfor %}
order by s._row;

-- name: swap
alter table {{ staging | ident }}.{{ relation | ident }} rename to {{ whole | ident }};
alter table {{ staging | ident }}.{{ narrowed | ident }} rename to {{ relation | ident }};
