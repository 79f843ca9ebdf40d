-- LT02: the linter loses the indent between the template's loops
-- noqa: disable=LT02
-- grain: statements that settle the entries whose rows a release loads, in its transaction (law Q3)
-- reads: audit.quarantine, {{ schema }}.{{ relation }}, {{ schema }}._replayed
{% import "json.sql" as json -%}
{% from "cursor.sql" import as_cursor with context -%}
{#- A run sees the source after all that waits; what is replayed was seen by its old run. -#}
{%- macro seen_later() -%}
(
    %(kept_as_of)s is null
    or coalesce(q.as_of, timestamp '0001-01-01 00:00:00') < cast(%(kept_as_of)s as datetime(6))
    or (q.as_of = cast(%(kept_as_of)s as datetime(6)) and q.quarantine_id < s._row)
)
{%- endmacro %}
{%- macro row_of_entry() -%}
case
    when json_contains_path(q.payload, 'one', '$._json_nulls')
        then json_remove(q.payload, '$._json_nulls')
    else q.payload
end
{%- endmacro %}
{%- set whole = dict(staged, _cursor="text") %}
{%- set entry_cursor = json.member_text("q.payload", "_cursor") %}

-- name: count_settled_meanwhile
select count(case when q.status != 'open' then 1 end) as settled_count
from audit.quarantine as q
inner join {{ schema | ident }}._replayed as r on q.quarantine_id = r.quarantine_id
where r.is_staged and r.table_name = %(table_name)s
for update;

-- name: waits
select count(*) > 0 as is_waiting
from audit.quarantine as q
where q.table_name = %(table_name)s and q.status = 'open';

-- name: find_waiting
-- What waits, with its key as the staged rows have it.
drop temporary table if exists audit.waiting_entries;
create temporary table audit.waiting_entries (
    quarantine_id bigint primary key,
    as_of datetime(6),
    entry_cursor longtext,
    {%- for column in key %}
    {{ column | ident }} {{ staged[column] | key_type }},
    {%- endfor %}
    payload_hash binary(16),
    index ({{ key | idents if key else "payload_hash" }})
);
insert into audit.waiting_entries (
    quarantine_id, as_of, entry_cursor,
    {%- for column in key %}
    {{ column | ident }},
    {%- endfor %}
    payload_hash
)
select
    q.quarantine_id,
    q.as_of,
    {{ entry_cursor | indent(4) }},
    {%- for column in key %}
    {{ json.read("q.payload", column, staged[column]) | indent(4) }},
    {%- endfor %}
    unhex(md5(cast({{ row_of_entry() | indent(4) }} as char)))
from audit.quarantine as q
where q.table_name = %(table_name)s and q.status = 'open';

-- name: find_loaded
-- The row itself was loaded: it was asked for, or the source showed it again.
{%- if is_latest %}
-- The target keeps the latest state of a row, so one that waits is superseded by one seen later.
{%- endif %}
{%- set hash = "unhex(md5(cast(" ~ json.document("s", whole) ~ " as char)))" %}
drop temporary table if exists audit.loaded_entries;
create temporary table audit.loaded_entries (
    quarantine_id bigint primary key,
    is_same boolean
) as
select
    q.quarantine_id,
    max(
        coalesce(
            r.quarantine_id is not null
            or s._cursor = q.entry_cursor
            or q.payload_hash = {{ hash }},
            false
        )
    ) as is_same
from audit.waiting_entries as q
inner join {{ schema | ident }}.{{ relation | ident }} as s
    on {{ key | equal('s', 'q') if key else "q.payload_hash = " ~ hash }}
left join {{ schema | ident }}._replayed as r
    on
        q.quarantine_id = r.quarantine_id
        and (not r.is_staged or s._row = r.quarantine_id)
where
    r.quarantine_id is not null
    or (
        {{ seen_later() }}
        {%- if is_latest and has_latest %}
        and (s._cursor is null or {{ as_cursor("s._cursor") }} >= {{ as_cursor("q.entry_cursor") }})
        {%- elif not is_latest %}
        and s._cursor = q.entry_cursor
        {%- endif %}
    )
group by q.quarantine_id;

-- name: settle_loaded
update audit.quarantine as q
inner join audit.loaded_entries as l on q.quarantine_id = l.quarantine_id
set
    q.status = case when l.is_same then 'replayed' else 'discarded' end,
    q.closed_at = utc_timestamp(6),
    q.closed_run_id = %(run_id)s,
    q.closed_reason = case
        when not l.is_same then 'a newer state of the row was loaded'
    end
where q.status = 'open';
{%- if parent %}

-- name: settle_parts
-- A parent arrives with all that belongs to it: a part that waits of an older state is superseded.
update audit.quarantine as q
inner join {{ schema | ident }}.{{ parent.relation | ident }} as s
    on
    {%- for child, own in parent["keys"].items() %}
        {{ "and " if not loop.first -}}
        s.{{ own | ident }} = {{ json.read("q.payload", child, staged[child]) }}
    {%- endfor %}
set
    q.status = 'discarded',
    q.closed_at = utc_timestamp(6),
    q.closed_run_id = %(run_id)s,
    q.closed_reason = 'a newer state of what it belongs to was loaded'
where
    q.table_name = %(table_name)s
    and q.status = 'open'
    and q.run_id != %(run_id)s
    and not (s._cursor <=> {{ entry_cursor }})
    and {{ seen_later() }}
    and not exists (
        select 1 from {{ schema | ident }}._quarantine as h
        where h.table_name = q.table_name and h.row_key = q.row_key
    );
{%- endif %}
