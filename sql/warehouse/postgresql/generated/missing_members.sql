-- grain: one row per dimension and special member that it lacks (law S15)
with members as (
    {%- for dimension in dimensions %}
    select
        {{ dimension.name | literal }} as entity,
        m.member
    from unnest(%(members)s) as m (member)
    where not exists (
        select from warehouse.{{ dimension.relation | ident }} as d
        where d.{{ dimension.surrogate | ident }} = m.member
    )
    {{ "union all" if not loop.last }}
    {%- endfor %}
)

select
    entity,
    member
from members
