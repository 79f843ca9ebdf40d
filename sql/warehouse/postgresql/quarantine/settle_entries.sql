-- grain: statements that settle the entries whose rows a release loads, in its transaction (law Q3)
-- reads: audit.quarantine, {{ schema }}.{{ relation }}, {{ schema }}._replayed
{% from "cursor.sql" import as_cursor with context -%}
{#- A run sees the source after all that waits; what is replayed was seen by its old run. -#}
{%- macro seen_later() -%}
(
    %(kept_as_of)s::timestamptz is null
    or coalesce(q.as_of, '-infinity') < %(kept_as_of)s::timestamptz
    or (q.as_of = %(kept_as_of)s::timestamptz and q.quarantine_id < s._row)
)
{%- endmacro %}

-- name: count_settled_meanwhile
with asked as (
    select q.status
    from audit.quarantine as q
    inner join {{ schema | ident }}._replayed as r on q.quarantine_id = r.quarantine_id
    where r.is_staged and r.table_name = %(table_name)s
    order by q.quarantine_id
    for update of q
)

select count(*) from asked as a
where a.status != 'open';

-- name: waits
select count(*) > 0 as is_waiting
from audit.quarantine as q
where q.table_name = %(table_name)s and q.status = 'open';

-- name: settle_loaded
-- The row itself was loaded: it was asked for, or the source showed it again.
{%- if is_latest %}
-- The target keeps the latest state of a row, so one that waits is superseded by one seen later.
{%- endif %}
with loaded as (
    select
        q.quarantine_id,
        bool_or(
            r.quarantine_id is not null
            or s._cursor = q.payload ->> '_cursor'
            or to_jsonb(s.*) - '_row' = q.payload - '_json_nulls'
        ) as is_same
    from audit.quarantine as q
    inner join {{ schema | ident }}.{{ relation | ident }} as s
        on
        {%- for column in key %}
            {{ "and " if not loop.first -}}
            to_jsonb(s.{{ column | ident }}) = q.payload -> {{ column | literal }}
        {%- else %}
            to_jsonb(s.*) - '_row' = q.payload - '_json_nulls'
        {%- endfor %}
    left join {{ schema | ident }}._replayed as r
        on
            q.quarantine_id = r.quarantine_id
            and (not r.is_staged or s._row = r.quarantine_id)
    where
        q.table_name = %(table_name)s
        and q.status = 'open'
        and (
            r.quarantine_id is not null
            or (
                {{ seen_later() }}
                {%- if is_latest and has_latest %}
                and (
                    s._cursor is null
                    or {{ as_cursor("s._cursor") }} >= {{ as_cursor("(q.payload ->> '_cursor')") }}
                )
                {%- elif not is_latest %}
                and s._cursor = q.payload ->> '_cursor'
                {%- endif %}
            )
        )
    group by q.quarantine_id
)

update audit.quarantine as q
set
    status = case when l.is_same then 'replayed' else 'discarded' end,
    closed_at = current_timestamp,
    closed_run_id = %(run_id)s,
    closed_reason = case when not l.is_same then 'a newer state of the row was loaded' end
from loaded as l
where q.quarantine_id = l.quarantine_id and q.status = 'open';
{%- if parent %}

-- name: settle_parts
-- A parent arrives with all that belongs to it: a part that waits of an older state is superseded.
update audit.quarantine as q
set
    status = 'discarded',
    closed_at = current_timestamp,
    closed_run_id = %(run_id)s,
    closed_reason = 'a newer state of what it belongs to was loaded'
from {{ schema | ident }}.{{ parent.relation | ident }} as s
where
    q.table_name = %(table_name)s
    and q.status = 'open'
    and q.run_id != %(run_id)s
    {%- for child, own in parent["keys"].items() %}
    and to_jsonb(s.{{ own | ident }}) = q.payload -> {{ child | literal }}
    {%- endfor %}
    and s._cursor is distinct from q.payload ->> '_cursor'
    and {{ seen_later() }}
    and not exists (
        select from {{ schema | ident }}._quarantine as h
        where h.table_name = q.table_name and h.row_key = q.row_key
    );
{%- endif %}
