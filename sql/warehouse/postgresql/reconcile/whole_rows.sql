-- grain: the two sides of the copy {{ target }}: equal rows are numbered, so that they are counted
-- reads: {{ staging }}.{{ relation }}, replica.{{ target }}

-- name: source
select
    hashtextextended(row({{ columns | idents('s') }})::text, 0) as _equal,
    row_number() over (partition by row({{ columns | idents('s') }})::text) as _copy,
    {{ columns | idents('s') }}
from {{ staging | ident }}.{{ relation | ident }} as s;

-- name: target
select
    hashtextextended(row({{ columns | idents('t') }})::text, 0) as _equal,
    row_number() over (partition by row({{ columns | idents('t') }})::text) as _copy,
    {{ columns | idents('t') }},
    true as _source_decides
from replica.{{ target | ident }} as t;
