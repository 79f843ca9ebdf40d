-- grain: one row per dimension and special member that it lacks (law S15)
-- reads: the dimensions of the warehouse
with members as (
    {%- for dimension in dimensions %}
    select
        {{ dimension.name | literal }} as entity,
        wanted.member
    from json_table(%(members)s, '$[*]' columns (member bigint path '$')) as wanted
    left join warehouse.{{ dimension.relation | ident }} as d
        on wanted.member = d.{{ dimension.surrogate | ident }}
    where d.{{ dimension.surrogate | ident }} is null
    {{ "union all" if not loop.last }}
    {%- endfor %}
)

select
    entity,
    member
from members
