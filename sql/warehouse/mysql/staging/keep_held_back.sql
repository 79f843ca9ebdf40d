-- grain: what the run held back, out of staging into audit;
-- a row that already waits is not written twice (law R4), nor one that a person discarded
-- reads: {{ schema }}._quarantine, {{ schema }}._rejected, {{ schema }}._replayed
-- LT02: the linter sees the parts of a loop without what stands around them
-- noqa: disable=LT02
{% from "json.sql" import quoted, without -%}
{% from "read_as.sql" import read_as -%}

-- name: renew_replayed
-- A replayed row that still breaks a rule stays the same entry, with the rules of now (law Q3).
update audit.quarantine as q
inner join {{ schema | ident }}._replayed as r on q.quarantine_id = r.quarantine_id and r.is_staged
inner join {{ schema | ident }}._quarantine as s
    on r.quarantine_id = s.`row_number` and q.table_name = s.table_name
set q.rules = s.rules
where not (q.rules <=> s.rules);

-- name: keep_quarantine
-- What the source did not have, or no longer has, is not in the payload (law S6).
drop temporary table if exists audit.held_back_rows, audit.shown_keys;
create temporary table audit.held_back_rows (
    place bigint auto_increment primary key,
    row_key_hash binary(16),
    index (table_name, row_key_hash)
) as
with plans as (
    select
        p.table_name,
        {{ read_as("p.as_of", "timestamp") }} as as_of,
        p.personal
    from json_table(
        %(plans)s, '$[*]' columns (
            table_name varchar(255) path '$.table_name',
            as_of varchar(64) path '$.as_of',
            personal json path '$.personal'
        )
    ) as p
)

select
    s.table_name,
    s.row_key,
    unhex(md5(s.row_key)) as row_key_hash,
    s.rules,
    {%- if absent %}
    case s.table_name
        {%- for table, columns in absent.items() %}
        when {{ table | literal }}
            then json_merge_patch(s.payload, {{ without(columns) }})
        {%- endfor %}
        else s.payload
    end as payload,
    {%- else %}
    s.payload,
    {%- endif %}
    p.as_of,
    coalesce(p.personal, '[]') as personal
from {{ schema | ident }}._quarantine as s
left join plans as p on s.table_name = p.table_name
where
    not exists (
        select 1 from {{ schema | ident }}._replayed as r
        where r.is_staged and r.quarantine_id = s.`row_number` and r.table_name = s.table_name
    );

update audit.quarantine as q
inner join audit.held_back_rows as h
    on
        q.table_name = h.table_name
        and q.row_key_hash = h.row_key_hash
        and q.row_key = h.row_key
        and q.payload = h.payload
set q.rules = h.rules
where q.status = 'open' and not (q.rules <=> h.rules);

create temporary table audit.shown_keys (place bigint primary key) as
with members as (
    select
        h.place,
        h.personal,
        k.name,
        -- by its place, as MariaDB has no path to all names
        json_extract(json_extract(h.row_key, '$.*'), concat('$[', k.position - 1, ']')) as value
    from audit.held_back_rows as h
    cross join
        json_table(
            json_keys(h.row_key),
            '$[*]' columns (position for ordinality, name longtext path '$')
        ) as k
),

-- cast, because MariaDB gives what comes out of a document a collation of its own
told as (
    select
        m.place,
        m.personal,
        m.name,
        cast(json_type(m.value) as char) as type,
        cast(json_unquote(m.value) as char) as value
    from members as m
)

select
    m.place,
    group_concat(
        m.name, '=',
        case
            when json_contains(m.personal, {{ quoted("m.name") }}) then '·'
            when m.type in ('INTEGER', 'UNSIGNED INTEGER', 'DECIMAL', 'DOUBLE') then m.value
            when
                m.value
                regexp '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.+-]*)?\\z'
                then m.value
            when m.type = 'NULL' then 'none'
            else '·'
        end
        order by m.name separator ', '
    ) as shown_key
from told as m
group by m.place;

insert into audit.quarantine (run_id, table_name, row_key, rules, payload, as_of, shown_key)
select
    %(run_id)s,
    h.table_name,
    h.row_key,
    h.rules,
    h.payload,
    h.as_of,
    n.shown_key
from audit.held_back_rows as h
left join audit.shown_keys as n on h.place = n.place
where
    not exists (
        select 1 from audit.quarantine as q
        where
            q.table_name = h.table_name
            and q.row_key_hash = h.row_key_hash
            and q.row_key = h.row_key
            and q.payload = h.payload
            and (q.status = 'open' or (q.status = 'discarded' and q.closed_run_id is null))
    );

-- name: keep_rejected
{%- macro hash_of(alias) %}
unhex(sha2(concat_ws(
    ' ', {{ alias }}.table_name, char_length({{ alias }}.reason), {{ alias }}.reason,
    cast({{ alias }}.payload as char)
), 256))
{%- endmacro %}
drop temporary table if exists audit.rejected_before;
create temporary table audit.rejected_before (row_hash binary(32), index (row_hash)) as
select {{ hash_of("r") }} as row_hash
from audit.rejected_rows as r
where r.table_name in (select s.table_name from {{ schema | ident }}._rejected as s);

insert into audit.rejected_rows (run_id, table_name, column_name, reason, payload)
select
    %(run_id)s,
    s.table_name,
    s.column_name,
    s.reason,
    s.payload
from {{ schema | ident }}._rejected as s
where not exists (
    select 1 from audit.rejected_before as r
    where r.row_hash = {{ hash_of("s") }}
);
