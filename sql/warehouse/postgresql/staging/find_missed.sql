-- grain: one row per key of the source whose present row the warehouse has not seen
-- reads: {{ schema }}.{{ relation }}__keys, {{ schema }}.{{ relation }}, history.{{ seen.entity }},
-- {{ seen.schema }}.{{ seen.relation }}
{% from "cursor.sql" import as_cursor with context -%}
select {{ key | idents('k') }}
from {{ schema | ident }}.{{ (relation ~ "__keys") | ident }} as k
where
    not exists (
        select from {{ schema | ident }}.{{ relation | ident }} as s
        where {{ key | equal('s', 'k') }}
    )
    {%- if compares_cursor %}
    and (%(high)s::text is null or {{ as_cursor("k._cursor") }} < {{ as_cursor("%(high)s") }})
    {%- endif %}
    and (
        not exists (
            select from {{ seen.schema | ident }}.{{ seen.relation | ident }} as d
            where
                {%- if seen.by == 'cursor' %}
                d._source_cursor is not distinct from k._cursor
                {%- elif seen.by == 'current' %}
                d.is_current
                {%- else %}
                true
                {%- endif %}
                {%- for column, named in seen.key.items() %}
                and d.{{ named | ident }} = k.{{ column | ident }}
                {%- endfor %}
        )
        {%- if seen.entity and compares_cursor %}
        or k._cursor is distinct from (
            select h.source_cursor
            from history.{{ seen.entity | ident }} as h
            where {{ key | equal('h', 'k') }} and h.source = %(source)s and h.operation = 'upsert'
            order by h.effective_at desc, h.sequence desc
            limit 1
        )
        {%- elif seen.entity %}
        or not exists (
            select from history.{{ seen.entity | ident }} as h
            where {{ key | equal('h', 'k') }} and h.source = %(source)s and h.operation = 'upsert'
        )
        {%- endif %}
    )
    -- what is in quarantine waits for its replay, and what a person discarded is settled;
    -- what was rejected is tried once in each run
    and not exists (
        select from audit.quarantine as q
        where
            q.table_name = %(source)s
            and (q.status = 'open' or (q.status = 'discarded' and q.closed_run_id is null))
            and q.payload ->> '_cursor' is not distinct from k._cursor
            {%- for column in key %}
            and q.payload -> {{ column | literal }} = to_jsonb(k.{{ column | ident }})
            {%- endfor %}
    )
    and not exists (
        select from {{ schema | ident }}._rejected as r
        where
            r.table_name = %(source)s
            and r.payload ->> '_cursor' is not distinct from k._cursor
            {%- for column in key %}
            and r.payload ->> {{ column | literal }} = k.{{ column | ident }}::text
            {%- endfor %}
    )
