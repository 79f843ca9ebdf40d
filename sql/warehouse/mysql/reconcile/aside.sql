-- LT02: the linter sees a macro's statement without where it is filled in
-- noqa: disable=LT02
-- grain: statements that take rows out of {{ relation }} that the warehouse cannot have, or not yet
-- reads: {{ staging }}.{{ relation }}, {{ staging }}._quarantine, audit.quarantine
{% import "json.sql" as json -%}
{% from "cursor.sql" import as_cursor with context -%}
{% from "indexes.sql" import parts -%}
{%- set keys = {} %}
{%- for column, staged in staged_key.items() %}
{%- set _ = keys.update({column: staged.type}) %}
{%- endfor %}

{%- macro as_kept(sql, name) -%}
cast(json_array({{ json.value(sql ~ "." ~ (name | ident), declared[name]) }}) as char)
{%- endmacro %}

{%- macro put_aside(why) -%}
insert into {{ staging | ident }}.{{ aside | ident }} (
    {%- for column in staged_key %}
    {{ column | ident }},
    {%- endfor %}
    _why
)
select
    {%- for staged in staged_key.values() %}
    t.{{ staged.name | ident }},
    {%- endfor %}
    {{ why | literal }}
from audit.aside_rows as a
inner join {{ staging | ident }}.{{ relation | ident }} as t on a._row = t._row;

delete from {{ staging | ident }}.{{ relation | ident }}
using {{ staging | ident }}.{{ relation | ident }}
inner join audit.aside_rows as a on {{ relation | ident }}._row = a._row
{%- endmacro %}

-- name: open
create table if not exists {{ staging | ident }}.{{ aside | ident }} (
    {%- for column, type in keys.items() %}
    {{ column | ident }} {{ type | key_type }},
    {%- endfor %}
    {%- if keys %}
    index ({{ parts(keys) }}),
    {%- endif %}
    _why varchar(16) not null
);

-- name: newer
-- What changed since the last load lies above its watermark.
drop temporary table if exists audit.aside_rows;
create temporary table audit.aside_rows (_row bigint primary key) as
select s._row
from {{ staging | ident }}.{{ relation | ident }} as s
where {{ as_cursor("s._cursor") }} >= {{ as_cursor("%(watermark)s") }};

{{ put_aside('newer') }};

-- name: held_back
-- The same row in the same state waits in quarantine, or a person discarded it there.
drop temporary table if exists audit.aside_rows;
create temporary table audit.aside_rows (_row bigint primary key) as
with kept as (
    select
        q.status,
        q.payload,
        {%- for column, type in row_key.items() %}
        {{ json.read("q.payload", column, type) | indent(8) }} as {{ column | ident }},
        {%- else %}
        unhex(md5(cast(
            case
                when json_contains_path(q.payload, 'one', '$._json_nulls')
                    then json_remove(q.payload, '$._json_nulls')
                else q.payload
            end as char
        ))) as payload_hash,
        {%- endfor %}
        {{ json.member_text("q.payload", "_cursor") | indent(8) }} as _cursor
    from audit.quarantine as q
    where
        q.table_name = %(source)s
        and (q.status = 'open' or (q.status = 'discarded' and q.closed_run_id is null))
)

select distinct s._row
from kept as q
inner join {{ staging | ident }}.{{ relation | ident }} as s
    on
    {%- if row_key %}
        {{ row_key | equal('s', 'q') }}
    {%- else %}
        q.payload_hash = unhex(md5(cast({{ json.document("s", staged) | indent(8) }} as char)))
    {%- endif %}
        and q._cursor <=> s._cursor
{%- if row_key and not has_cursor %}
where
    -- no cursor tells states apart: what was discarded is the row while its values are those
    q.status = 'open'
    or not (
        {%- for name in declared %}
        {{ "or " if not loop.first -}}
        coalesce(
            concat('[', cast({{ json.member("q.payload", name) }} as char), ']')
            != {{ as_kept("s", name) }},
            false
        )
        {%- endfor %}
    )
{%- endif %};

{{ put_aside('held_back') }};

-- name: settled
-- Rows without a key, and duplicates that contradict each other.
insert into {{ staging | ident }}.{{ aside | ident }} (
    {%- for column in staged_key %}
    {{ column | ident }},
    {%- endfor %}
    _why
)
select
    {%- for staged in staged_key.values() %}
    {{ json.read("q.payload", staged.name, staged.type) | indent }},
    {%- endfor %}
    'held_back'
from {{ staging | ident }}._quarantine as q
where q.table_name = %(source)s;

delete from {{ staging | ident }}._quarantine
where table_name = %(source)s;

-- name: count
select
    count(case when a._why = 'newer' then 1 end) as newer,
    count(case when a._why = 'held_back' then 1 end) as held_back,
    (
        select count(*) from {{ staging | ident }}._rejected as r where r.table_name = %(source)s
    ) as rejected
from {{ staging | ident }}.{{ aside | ident }} as a;
