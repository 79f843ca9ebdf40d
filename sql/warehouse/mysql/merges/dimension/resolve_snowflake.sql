-- grain: one row per version that leads by {{ column }} to a member of {{ other }}
-- reads: {{ staging }}.{{ versions }}, warehouse.{{ other }}, what this release touches of it
{#- Nobody leads to a version that waits for its removal. #}
{% macro latest() -%}
select
    d.{{ other_key | ident }} as named,
    d.{{ other_surrogate | ident }} as surrogate,
    row_number() over (
        partition by {{ [other_key] | idents('d') }} order by d.valid_from desc
    ) as place
from warehouse.{{ other | ident }} as d
{%- if other_removed %}
where not exists (
    select 1 from {{ staging | ident }}.{{ other_removed | ident }} as r
    where r.{{ other_surrogate | ident }} = d.{{ other_surrogate | ident }}
)
{%- endif %}
{%- endmacro %}

-- name: resolve
update {{ staging | ident }}.{{ versions | ident }} as v
inner join (
    {{ latest() }}
) as o on v.{{ attribute | ident }} = o.named and o.place = 1
set v.{{ column | ident }} = o.surrogate;

-- name: repoint
-- the linter loses the indent around the template's macro
-- noqa: disable=LT02
update warehouse.{{ dimension | ident }} as p
inner join {{ staging | ident }}.{{ other_affected | ident }} as a
    on p.{{ attribute | ident }} = a.{{ other_key | ident }}
left join (
    {{ latest() }}
) as o on a.{{ other_key | ident }} = o.named and o.place = 1
set
    p.{{ column | ident }} = coalesce(o.surrogate, -1),
    p.updated_run_id = %(run_id)s
where
    p.{{ surrogate | ident }} > 0
    and p.{{ column | ident }} != coalesce(o.surrogate, -1)
-- noqa: enable=LT02
