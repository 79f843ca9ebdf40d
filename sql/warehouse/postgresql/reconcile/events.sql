-- grain: the two sides of the events of a {{ entity }}: one row per (key, effective_at, sequence)
-- reads: {{ staging }}.{{ relation }}, history.{{ entity }}

-- name: source
select
    {{ key | idents('s') }},
    s.{{ instant_column | ident }} as effective_at,
    {%- for attribute, column in columns.items() %}
    s.{{ column.name | ident }}::{{ column.type }} as {{ attribute | ident }},
    {%- endfor %}
    s.{{ sequence_column | ident }}::bigint as sequence
from {{ staging | ident }}.{{ relation | ident }} as s
where not {{ is_gone }};

-- name: target
select
    {{ key | idents('t') }},
    t.effective_at,
    {%- for attribute in columns %}
    t.{{ attribute | ident }},
    {%- endfor %}
    t.sequence,
    {{ decides }} as _source_decides
from history.{{ entity | ident }} as t
where t.source = %(source)s and t.operation = 'upsert';
