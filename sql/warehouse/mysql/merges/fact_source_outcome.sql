-- grain: one row: what became of the staged rows of {{ relation }}
-- reads: {{ staging }}.{{ relation }}, {{ staging }}.{{ rows }}
{% if is_line -%}
select
    count(case when r._change = 'insert' then 1 end) as inserted,
    count(case when r._change = 'update' then 1 end) as updated,
    count(case when r._change = 'unchanged' then 1 end) as unchanged
from {{ staging | ident }}.{{ relation | ident }} as s
inner join {{ staging | ident }}.{{ rows | ident }} as r on {{ grain | equal('r', 's') }}
{%- else -%}
with changes as (
    select
        {{ grain | idents('r') }},
        max(r._change = 'insert') as has_insert,
        max(r._change = 'update') as has_update
    from {{ staging | ident }}.{{ rows | ident }} as r
    group by {{ grain | idents('r') }}
)

select
    count(case when c.has_insert then 1 end) as inserted,
    count(case when c.has_update and not c.has_insert then 1 end) as updated,
    count(case when c.has_insert is not true and c.has_update is not true then 1 end) as unchanged
from {{ staging | ident }}.{{ relation | ident }} as s
left join changes as c on {{ grain | equal('c', 's') }}
{%- endif %}
