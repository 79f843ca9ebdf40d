-- grain: one row of {{ relation }} gets the columns of its partner in {{ other_relation }}
-- reads: {{ schema }}.{{ relation }}, {{ schema }}.{{ other_relation }}
-- LT02: the linter sees the parts of a loop without what stands around them
-- noqa: disable=LT02
{% from "indexes.sql" import parts -%}
-- name: lock
-- Nothing has to hold still: each statement reads one state of the other table, and no locks.
do 0;

-- name: join
-- The other table may be settled or not: one of identical rows counts, contradicting ones do not
-- (law S10).
drop temporary table if exists audit.repeated_partners;
create temporary table audit.repeated_partners (index ({{ parts(grain_types) }})) as
select
    {{ grain | idents('o') }},
    min(o._row) as first_row
from {{ schema | ident }}.{{ other_relation | ident }} as o
group by {{ grain | idents('o') }}
having count(*) > 1;

drop temporary table if exists audit.contradicted_partners;
create temporary table audit.contradicted_partners (first_row bigint primary key) as
select distinct r.first_row
from audit.repeated_partners as r
inner join {{ schema | ident }}.{{ other_relation | ident }} as f on r.first_row = f._row
inner join {{ schema | ident }}.{{ other_relation | ident }} as o on {{ grain | equal('r', 'o') }}
where
    o._row != r.first_row
    and not (
    {%- for column in compared %}
        {{ "and " if not loop.first }}o.{{ column | ident }} <=> f.{{ column | ident }}
    {%- endfor %}
    );

drop temporary table if exists audit.joined_rows;
create temporary table audit.joined_rows (_row bigint primary key) as
select
    t._row,
    {%- for column in columns %}
    o.{{ column | ident }} as {{ made[loop.index0] | ident }}
    {{- "," if not loop.last }}
    {%- endfor %}
from {{ schema | ident }}.{{ relation | ident }} as t
inner join {{ schema | ident }}.{{ other_relation | ident }} as o
    on
    {%- for own, theirs in keys.items() %}
        {{ "and " if not loop.first }}t.{{ own | ident }} = o.{{ theirs | ident }}
    {%- endfor %}
left join audit.repeated_partners as r on {{ grain | equal('r', 'o') }}
left join audit.contradicted_partners as c on r.first_row = c.first_row
where r.first_row is null or (o._row = r.first_row and c.first_row is null);

update {{ schema | ident }}.{{ relation | ident }} as t
inner join audit.joined_rows as j on t._row = j._row
set
    {%- for column in made %}
    t.{{ column | ident }} = j.{{ column | ident }}{{ "," if not loop.last }}
    {%- endfor %};

select
    coalesce(
        sum(
            {%- for column in made %}
            (j.{{ column | ident }} is not null){{ " +" if not loop.last }}
            {%- endfor %}
        ), 0
    ) as value_count
from audit.joined_rows as j;
