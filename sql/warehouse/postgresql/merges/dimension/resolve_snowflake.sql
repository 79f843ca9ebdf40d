-- grain: one row per version that leads by {{ column }} to a member of {{ other }}
-- reads: {{ staging }}.{{ versions }}, warehouse.{{ other }}, what this release touches of it
{#- Nobody leads to a version that waits for its removal. #}
{% macro latest() -%}
select distinct on ({{ [other_key] | idents('d') }})
    d.{{ other_key | ident }},
    d.{{ other_surrogate | ident }}
from warehouse.{{ other | ident }} as d
{%- if other_removed %}
where not exists (
    select from {{ staging | ident }}.{{ other_removed | ident }} as r
    where r.{{ other_surrogate | ident }} = d.{{ other_surrogate | ident }}
)
{%- endif %}
order by {{ [other_key] | idents('d') }}, d.valid_from desc
{%- endmacro %}

-- name: resolve
with latest as (
    {{ latest() }}
)

update {{ staging | ident }}.{{ versions | ident }} as v
set {{ column | ident }} = o.{{ other_surrogate | ident }}
from latest as o
where o.{{ other_key | ident }} = v.{{ attribute | ident }};

-- name: repoint
with latest as (
    {{ latest() }}
)

update warehouse.{{ dimension | ident }} as p
set
    {{ column | ident }} = coalesce(o.{{ other_surrogate | ident }}, -1),
    updated_run_id = %(run_id)s
from {{ staging | ident }}.{{ other_affected | ident }} as a
left join latest as o on {{ [other_key] | equal('o', 'a') }}
where
    p.{{ attribute | ident }} = a.{{ other_key | ident }}
    and p.{{ surrogate | ident }} > 0
    and p.{{ column | ident }} != coalesce(o.{{ other_surrogate | ident }}, -1)
