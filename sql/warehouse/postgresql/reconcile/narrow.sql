-- grain: statements that leave of {{ relation }} the rows of the ranges that differ
-- reads: {{ staging }}.{{ relation }}, {{ staging }}: the ranges

-- name: keep_whole
alter table {{ staging | ident }}.{{ relation | ident }} rename to {{ whole | ident }};

-- name: narrow
create unlogged table {{ staging | ident }}.{{ relation | ident }} (
    like {{ staging | ident }}.{{ whole | ident }} including all
);

-- name: fill
-- LT02: the linter loses the indent between the template's loops
-- noqa: disable=LT02
insert into {{ staging | ident }}.{{ relation | ident }} ({{ columns | idents }})
select {{ columns | idents('s') }}
from {{ staging | ident }}.{{ whole | ident }} as s
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
