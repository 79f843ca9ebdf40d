-- grain: one row per version of {{ dimension }} that leads to a member of {{ other }}
-- reads: {{ staging }}.{{ versions }}, warehouse.{{ dimension }}, warehouse.{{ other }}, and of the
-- latter what this release touches and removes
{#- Nobody leads to a version that waits for its removal. #}
{% macro stays(version) -%}
not exists (
    select 1 from {{ staging | ident }}.{{ other_removed | ident }} as r
    where r.{{ other_surrogate | ident }} = {{ version }}.{{ other_surrogate | ident }}
)
{%- endmacro %}

-- name: resolve
update {{ staging | ident }}.{{ versions | ident }} as v
inner join (
    select
        d.{{ other_key | ident }} as named,
        d.{{ other_surrogate | ident }} as surrogate,
        row_number() over (
            partition by {{ [other_key] | idents('d') }} order by d.valid_from desc
        ) as place
    from warehouse.{{ other | ident }} as d
    where {{ stays("d") if other_removed else "true" }}
) as o on v.{{ attribute | ident }} = o.named and o.place = 1
set v.{{ column | ident }} = o.surrogate;

-- name: repoint
update warehouse.{{ dimension | ident }} as p
inner join (
    select
        a.{{ other_key | ident }} as named,
        coalesce(d.{{ other_surrogate | ident }}, -1) as surrogate,
        row_number() over (
            partition by {{ [other_key] | idents('a') }} order by d.valid_from desc
        ) as place
    from {{ staging | ident }}.{{ other_affected | ident }} as a
    left join warehouse.{{ other | ident }} as d
        on {{ [other_key] | equal('a', 'd') }} and {{ stays("d") if other_removed else "true" }}
) as o on p.{{ attribute | ident }} = o.named and o.place = 1
set
    p.{{ column | ident }} = o.surrogate,
    p.updated_run_id = %(run_id)s
where
    p.{{ surrogate | ident }} > 0
    and p.{{ column | ident }} != o.surrogate
