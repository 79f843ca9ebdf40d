-- LT02: the linter sees a macro's statement without where it is filled in
-- noqa: disable=LT02
-- grain: statements that take rows out of {{ relation }} that the warehouse cannot have, or not yet
-- reads: {{ staging }}.{{ relation }}, {{ staging }}._quarantine, audit.quarantine
{% from "cursor.sql" import as_cursor with context -%}

{%- macro put_aside(why, is_payload=false) -%}
insert into {{ staging | ident }}.{{ aside | ident }} (
    {%- for column in staged_key %}
    {{ column | ident }},
    {%- endfor %}
    _why
)
select
    {%- for staged in staged_key.values() %}
    {%- if is_payload %}
    (t.payload ->> {{ staged.name | literal }})::{{ staged.type | type }},
    {%- else %}
    t.{{ staged.name | ident }},
    {%- endif %}
    {%- endfor %}
    {{ why | literal }}
from taken as t
{%- endmacro %}

-- name: open
create unlogged table if not exists {{ staging | ident }}.{{ aside | ident }} (
    {%- for column, staged in staged_key.items() %}
    {{ column | ident }} {{ staged.type | type }},
    {%- endfor %}
    _why text not null
);

-- name: newer
-- What changed since the last load lies above its watermark.
with taken as (
    delete from {{ staging | ident }}.{{ relation | ident }} as s
    where {{ as_cursor("s._cursor") }} >= {{ as_cursor("%(watermark)s") }}
    returning s.*
)

{{ put_aside('newer') }};

-- name: held_back
-- The same row in the same state waits in quarantine, or a person discarded it there.
with taken as (
    delete from {{ staging | ident }}.{{ relation | ident }} as s
    using audit.quarantine as q
    where
        q.table_name = %(source)s
        and (q.status = 'open' or (q.status = 'discarded' and q.closed_run_id is null))
        and q.payload ->> '_cursor' is not distinct from s._cursor
        {%- for column, type in row_key.items() %}
        and s.{{ column | ident }}
        = audit.read_as(q.payload ->> {{ column | literal }}, null::{{ type | type }})
        {%- else %}
        and q.payload - '_json_nulls' = to_jsonb(s.*) - '_row'
        {%- endfor %}
        {%- if row_key and not has_cursor %}
        -- no cursor tells states apart: what was discarded is the row while its values are those
        and (
            q.status = 'open'
            or not exists (
                select from jsonb_each(to_jsonb(s.*)) as c (name, value)
                where
                    c.name = any(%(told)s)
                    and q.payload -> c.name != c.value
            )
        )
        {%- endif %}
    returning s.*
)

{{ put_aside('held_back') }};

-- name: settled
-- Rows without a key, and duplicates that contradict each other.
with taken as (
    delete from {{ staging | ident }}._quarantine as q
    where q.table_name = %(source)s
    returning q.payload
)

{{ put_aside('held_back', is_payload=true) }};

-- name: count
select
    count(*) filter (where a._why = 'newer') as newer,
    count(*) filter (where a._why = 'held_back') as held_back,
    (
        select count(*) from {{ staging | ident }}._rejected as r where r.table_name = %(source)s
    ) as rejected
from {{ staging | ident }}.{{ aside | ident }} as a;
