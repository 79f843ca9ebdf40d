-- grain: the two sides of {{ dimension }}: one row per member that is there now
-- reads: {{ staging }}.{{ relation }}, warehouse.{{ dimension }}, history.{{ entity }}

{% import "reconcile/deciding.sql" as deciding -%}
-- name: source
select
    {%- for attribute, column in columns.items() %}
    s.{{ column.name | ident }}::{{ column.type | type }} as {{ attribute | ident }},
    {%- endfor %}
    {{ key | idents('s') }}
from {{ staging | ident }}.{{ relation | ident }} as s
where not {{ deciding.is_gone(deleted_when) }};

-- name: target
-- Members that other sources told of are not this one's; one that no event tells of is nobody's.
select
    {%- for attribute in columns %}
    t.{{ attribute | ident }},
    {%- endfor %}
    {{ key | idents('t') }},
    {{ deciding.decides(decides, staging, relation, key) }} as _source_decides
from warehouse.{{ dimension | ident }} as t
where
    t.is_current
    and not t.is_inferred
    and t.{{ surrogate | ident }} > 0
    and (
        exists (
            select from history.{{ entity | ident }} as h
            where {{ key | equal('h', 't') }} and h.source = %(source)s and h.operation = 'upsert'
        )
        or not exists (
            select from history.{{ entity | ident }} as h
            where {{ key | equal('h', 't') }}
        )
    );
