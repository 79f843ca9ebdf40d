-- grain: the two sides of the events of a {{ entity }}: one row per (key, effective_at, sequence)
-- reads: {{ staging }}.{{ relation }}, history.{{ entity }}

{% import "reconcile/deciding.sql" as deciding -%}
-- name: source
select
    {{ key | idents('s') }},
    s.{{ instant_column | ident }} as effective_at,
    {%- for attribute, column in columns.items() %}
    s.{{ column.name | ident }}::{{ column.type | type }} as {{ attribute | ident }},
    {%- endfor %}
    s.{{ sequence_column | ident }}::bigint as sequence
from {{ staging | ident }}.{{ relation | ident }} as s
where not {{ deciding.is_gone(deleted_when) }};

-- name: target
select
    {{ key | idents('t') }},
    t.effective_at,
    {%- for attribute in columns %}
    t.{{ attribute | ident }},
    {%- endfor %}
    t.sequence,
    {{ deciding.decides(decides, staging, relation, key) }} as _source_decides
from history.{{ entity | ident }} as t
where t.source = %(source)s and t.operation = 'upsert';
