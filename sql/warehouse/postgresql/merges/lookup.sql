{#- law S16: the version that holds at the time; before the first, the first;
    after a delete, the last before it -#}
{% macro versions(lookup) -%}
select
    {{ lookup.columns | idents('d') }},
    d.{{ lookup.surrogate | ident }},
{%- for column in lookup.carries %}
    d.{{ column | ident }},
{%- endfor %}
    case
        when lag(d.valid_from) over by_time is null then '-infinity'::timestamptz
        else d.valid_from
    end as holds_from,
    coalesce(lead(d.valid_from) over by_time, 'infinity'::timestamptz) as holds_to
from warehouse.{{ lookup.relation | ident }} as d
where
    d.{{ lookup.surrogate | ident }} > 0
    and exists (
        select from {{ lookup.named_in }} as n
        where ({{ lookup.columns.values() | idents('n') }}) = ({{ lookup.columns | idents('d') }})
    )
    and not exists (
        select from {{ lookup.removed }} as r
        where r.{{ lookup.surrogate | ident }} = d.{{ lookup.surrogate | ident }}
    )
window by_time as (partition by {{ lookup.columns | idents('d') }} order by d.valid_from)
{%- endmacro %}
