-- grain: one row per derived version, with the key of the latest version of its {{ other }}
-- reads: {{ staging }}.{{ versions }}, warehouse.{{ other }}
update {{ staging | ident }}.{{ versions | ident }} as v
set {{ column | ident }} = o.{{ other_surrogate | ident }}
from (
    select distinct on ({{ [other_key] | idents('d') }})
        d.{{ other_key | ident }},
        d.{{ other_surrogate | ident }}
    from warehouse.{{ other | ident }} as d
    order by {{ [other_key] | idents('d') }}, d.valid_from desc
) as o
where o.{{ other_key | ident }} = v.{{ attribute | ident }}
