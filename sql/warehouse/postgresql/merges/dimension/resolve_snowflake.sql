-- grain: one row per version of {{ dimension }} that leads to a member of {{ other }}
-- reads: {{ staging }}.{{ versions }}, warehouse.{{ dimension }}, warehouse.{{ other }}, and of the
-- latter what this release touches and removes
{#- Nobody leads to a version that waits for its removal. #}
{% macro stays(version) -%}
not exists (
    select from {{ staging | ident }}.{{ other_removed | ident }} as r
    where r.{{ other_surrogate | ident }} = {{ version }}.{{ other_surrogate | ident }}
)
{%- endmacro %}

-- name: resolve
with latest as (
    select distinct on ({{ [other_key] | idents('d') }})
        d.{{ other_key | ident }},
        d.{{ other_surrogate | ident }}
    from warehouse.{{ other | ident }} as d
    where {{ stays("d") if other_removed else "true" }}
    order by {{ [other_key] | idents('d') }}, d.valid_from desc
)

update {{ staging | ident }}.{{ versions | ident }} as v
set {{ column | ident }} = o.{{ other_surrogate | ident }}
from latest as o
where o.{{ other_key | ident }} = v.{{ attribute | ident }};

-- name: repoint
with latest as (
    select distinct on ({{ [other_key] | idents('a') }})
        a.{{ other_key | ident }},
        coalesce(d.{{ other_surrogate | ident }}, -1) as {{ other_surrogate | ident }}
    from {{ staging | ident }}.{{ other_affected | ident }} as a
    left join warehouse.{{ other | ident }} as d
        on {{ [other_key] | equal('a', 'd') }} and {{ stays("d") if other_removed else "true" }}
    order by {{ [other_key] | idents('a') }}, d.valid_from desc
)

update warehouse.{{ dimension | ident }} as p
set
    {{ column | ident }} = o.{{ other_surrogate | ident }},
    updated_run_id = %(run_id)s
from latest as o
where
    p.{{ attribute | ident }} = o.{{ other_key | ident }}
    and p.{{ surrogate | ident }} > 0
    and p.{{ column | ident }} != o.{{ other_surrogate | ident }}
