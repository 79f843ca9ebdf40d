-- grain: one row per key of the source whose present row the warehouse has not seen
-- reads: {{ schema }}.{{ relation }}__keys, {{ schema }}.{{ relation }}, history.{{ seen.entity }},
-- {{ seen.schema }}.{{ seen.relation }}
-- LT02: the linter sees the parts of a loop without what stands around them
-- noqa: disable=LT02
{% import "json.sql" as json -%}
{% from "cursor.sql" import as_cursor with context -%}
{#- What waits may be as many as what is missed: both are found by a hash of cursor and key. -#}
drop temporary table if exists audit.missed_keys;
create temporary table audit.missed_keys as
select
    {{ key | idents('k') }},
    unhex(md5(json_array(
        k._cursor
        {%- for column in key %},
        {{ json.value_text("k." ~ (column | ident), types[column]) }}
        {%- endfor %}
    ))) as _payload_hash,
    unhex(md5(json_array(
        k._cursor
        {%- for column in key %},
        {{ json.text("k." ~ (column | ident), types[column]) }}
        {%- endfor %}
    ))) as _landed_hash
from {{ schema | ident }}.{{ (relation ~ "__keys") | ident }} as k
where
    not exists (
        select 1 from {{ schema | ident }}.{{ relation | ident }} as s
        where {{ key | equal('s', 'k') }}
    )
    {%- if compares_cursor %}
    and (%(high)s is null or {{ as_cursor("k._cursor") }} < {{ as_cursor("%(high)s") }})
    {%- endif %}
    and (
        not exists (
            select 1 from {{ seen.schema | ident }}.{{ seen.relation | ident }} as d
            where
                {%- if seen.by == 'cursor' %}
                d._source_cursor <=> k._cursor
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
        or not (
            k._cursor <=> (
                select h.source_cursor
                from history.{{ seen.entity | ident }} as h
                where
                    {{ key | equal('h', 'k') }}
                    and h.source = %(source)s
                    and h.operation = 'upsert'
                order by h.effective_at desc, h.sequence desc
                limit 1
            )
        )
        {%- elif seen.entity %}
        or not exists (
            select 1 from history.{{ seen.entity | ident }} as h
            where {{ key | equal('h', 'k') }} and h.source = %(source)s and h.operation = 'upsert'
        )
        {%- endif %}
    );

-- what is in quarantine waits for its replay, and what a person discarded is settled;
-- what was rejected is tried once in each run
drop temporary table if exists audit.waiting_keys;
create temporary table audit.waiting_keys (index (_payload_hash)) as
select
    unhex(md5(json_array(
        {{ json.member_text("q.payload", "_cursor") }}
        {%- for column in key %},
        cast({{ json.member("q.payload", column) }} as char)
        {%- endfor %}
    ))) as _payload_hash
from audit.quarantine as q
where
    q.table_name = %(source)s
    and (q.status = 'open' or (q.status = 'discarded' and q.closed_run_id is null));

drop temporary table if exists audit.rejected_keys;
create temporary table audit.rejected_keys (index (_landed_hash)) as
select
    unhex(md5(json_array(
        {{ json.member_text("r.payload", "_cursor") }}
        {%- for column in key %},
        {{ json.member_text("r.payload", column) }}
        {%- endfor %}
    ))) as _landed_hash
from {{ schema | ident }}._rejected as r
where r.table_name = %(source)s;

select {{ key | idents('m') }}
from audit.missed_keys as m
where
    not exists (
        select 1 from audit.waiting_keys as w
        where w._payload_hash = m._payload_hash
    )
    and not exists (
        select 1 from audit.rejected_keys as r
        where r._landed_hash = m._landed_hash
    );
