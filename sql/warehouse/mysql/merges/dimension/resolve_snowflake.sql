-- grain: one row per derived version, with the key of the latest version of its {{ other }}
-- reads: {{ staging }}.{{ versions }}, warehouse.{{ other }}
update {{ staging | ident }}.{{ versions | ident }} as v
inner join (
    select
        d.{{ other_key | ident }} as named,
        d.{{ other_surrogate | ident }} as surrogate,
        row_number() over (
            partition by {{ [other_key] | idents('d') }} order by d.valid_from desc
        ) as place
    from warehouse.{{ other | ident }} as d
) as o on v.{{ attribute | ident }} = o.named and o.place = 1
set v.{{ column | ident }} = o.surrogate
