-- grain: the two sides of the copy {{ target }}: one row per key
-- reads: {{ staging }}.{{ relation }}, replica.{{ target }}

-- name: source
select {{ columns | idents('s') }}
from {{ staging | ident }}.{{ relation | ident }} as s
where not {{ is_gone }};

-- name: target
select
    {{ columns | idents('t') }},
    {{ decides }} as _source_decides
from replica.{{ target | ident }} as t;
