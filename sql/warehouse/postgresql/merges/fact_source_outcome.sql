-- grain: one row: what became of the staged rows of {{ relation }}
-- reads: {{ staging }}.{{ relation }}, {{ staging }}.{{ rows }}
{% if is_line -%}
select
    count(*) filter (where r._change = 'insert') as inserted,
    count(*) filter (where r._change = 'update') as updated,
    count(*) filter (where r._change = 'unchanged') as unchanged
from {{ staging | ident }}.{{ relation | ident }} as s
inner join {{ staging | ident }}.{{ rows | ident }} as r on {{ grain | equal('r', 's') }}
{%- else -%}
with changes as (
    select
        {{ grain | idents('r') }},
        bool_or(r._change = 'insert') as has_insert,
        bool_or(r._change = 'update') as has_update
    from {{ staging | ident }}.{{ rows | ident }} as r
    group by {{ grain | idents('r') }}
)

select
    count(*) filter (where c.has_insert) as inserted,
    count(*) filter (where c.has_update and not c.has_insert) as updated,
    count(*) filter (where c.has_insert is not true and c.has_update is not true) as unchanged
from {{ staging | ident }}.{{ relation | ident }} as s
left join changes as c on {{ grain | equal('c', 's') }}
{%- endif %}
