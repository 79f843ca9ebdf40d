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
        when lag(d.valid_from) over by_time is null then timestamp '0001-01-01 00:00:00'
        else d.valid_from
    end as holds_from,
    coalesce(
        lead(d.valid_from) over by_time, timestamp '9999-12-31 23:59:59.999999'
    ) as holds_to
from warehouse.{{ lookup.relation | ident }} as d
where
    d.{{ lookup.surrogate | ident }} > 0
    and ({{ lookup.columns | idents('d') }}) in (
        select {{ lookup.columns.values() | idents('n') }} from {{ lookup.named_in }} as n
    )
    and d.{{ lookup.surrogate | ident }} not in (
        select r.{{ lookup.surrogate | ident }} from {{ lookup.removed }} as r
    )
window by_time as (partition by {{ lookup.columns | idents('d') }} order by d.valid_from)
{%- endmacro %}
