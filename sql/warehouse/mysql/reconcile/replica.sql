-- grain: the two sides of the copy {{ target }}: one row per key
-- reads: {{ staging }}.{{ relation }}, replica.{{ target }}

{% import "reconcile/deciding.sql" as deciding -%}
-- name: source
select {{ columns | idents('s') }}
from {{ staging | ident }}.{{ relation | ident }} as s
where not {{ deciding.is_gone(deleted_when) }};

-- name: target
select
    {{ columns | idents('t') }},
    {{ deciding.decides(decides, staging, relation, key) }} as _source_decides
from replica.{{ target | ident }} as t;
