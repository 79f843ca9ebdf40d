-- grain: one event per staged row that says something new of its key
-- reads: {{ staging }}.{{ relation }}, history.{{ entity }}, warehouse.{{ dimension }}
-- Step by step, as a working table of the session can be opened once in a statement.
{%- import "compare.sql" as compare %}
{%- set effective_at = "s." ~ (effective_column | ident) if effective_column
    else "cast(%(window_end)s as datetime(6))" %}
{%- set sequence = "s." ~ (sequence_column | ident) if sequence_column else "0" %}
{%- set first = (key | list)[0] %}
{%- set made = namespace(ended="ended_" ~ entity, placed="placed_" ~ entity,
    newest="newest_" ~ entity, seen="seen_" ~ entity, last="last_" ~ entity) %}
{%- macro working(name) -%}
{{ staging | ident }}.{{ name | ident }}
{%- endmacro %}
-- LT02: the linter loses the indent around the template's ifs
-- noqa: disable=LT02

-- name: forget_novel
drop temporary table if exists {{ working(novel) }};
drop temporary table if exists {{ working(made.ended) }};
drop temporary table if exists {{ working(made.placed) }};
drop temporary table if exists {{ working(made.newest) }};
drop temporary table if exists {{ working(made.seen) }};
drop temporary table if exists {{ working(made.last) }};

-- name: find_ended
-- When members that the staged rows name, and that are not there now, ended.
create temporary table {{ working(made.ended) }} (
    unique index ({{ key | idents }})
) as
select
    {{ key | idents('h') }},
    max(h.effective_at) as deleted_at
from (
    select distinct {{ key | idents('s') }}
    from {{ working(relation) }} as s
    {%- if not is_replay %}
    left join warehouse.{{ dimension | ident }} as c
        on {{ key | equal('c', 's') }} and c.is_current and not c.is_inferred
    where c.{{ first | ident }} is null
    {%- endif %}
) as n
inner join history.{{ entity | ident }} as h on {{ key | equal('h', 'n') }}
where
    h.operation = 'delete'
    {%- if is_replay %}
    -- law Q3: a replayed row was seen then; what ended or came back later says nothing of it
    and h.effective_at <= cast(%(window_end)s as datetime(6))
    and not exists (
        select 1 from history.{{ entity | ident }} as l
        where
            {{ key | equal('l', 'h') }}
            and l.operation = 'upsert'
            and l.existence
            and l.effective_at > h.effective_at
            and l.effective_at <= cast(%(window_end)s as datetime(6))
    )
    {%- endif %}
group by {{ key | idents('h') }};

-- name: place
-- law S3: a member whose state is seen again with an old time starts when it was seen;
-- a log of events speaks for itself
create temporary table {{ working(made.placed) }} (
    _place bigint not null auto_increment primary key,
    -- said, because a column that is never NULL would get a default that strict mode refuses
    effective_at datetime(6)
) as
select
    {{ key | idents('s') }},
    {%- if existence and mode != 'sequence' %}
    case
        when {{ operation }} = 'upsert' and e.deleted_at >= {{ effective_at }}
            then greatest(cast(%(window_end)s as datetime(6)), e.deleted_at)
        else {{ effective_at }}
    end as effective_at,
    {%- else %}
    {{ effective_at }} as effective_at,
    {%- endif %}
    e.deleted_at is null as is_present,
    cast({{ sequence }} as signed) as declared_sequence,
    {{ operation }} as operation,
    s._row
from {{ working(relation) }} as s
left join {{ working(made.ended) }} as e on {{ key | equal('e', 's') }};
{%- if mode == 'observed' and existence %}

-- name: find_newest
create temporary table {{ working(made.newest) }} (
    unique index ({{ key | idents }})
) as
select
    {{ key | idents('r') }},
    r.effective_at,
    r.sequence
from (
    select
        {{ key | idents('h') }},
        h.effective_at,
        h.sequence,
        row_number() over (
            partition by {{ key | idents('h') }} order by h.effective_at desc, h.sequence desc
        ) as place
    from (
        select distinct {{ key | idents('p') }} from {{ working(made.placed) }} as p
    ) as n
    inner join history.{{ entity | ident }} as h on {{ key | equal('h', 'n') }}
    where
        h.source = %(source)s
        and h.operation = 'upsert'
        {%- if is_replay %}
        and h.effective_at <= cast(%(window_end)s as datetime(6))
        {%- endif %}
) as r
where r.place = 1;

-- name: find_seen_now
-- laws X1, S8: a row with an older time than one known already splits what was known of that time,
-- and that the source shows it now is an event of now
create temporary table {{ working(made.seen) }} as
select
    {{ key | idents('p') }},
    p.is_present,
    p.declared_sequence,
    p.operation,
    p._row
from {{ working(made.placed) }} as p
inner join {{ working(made.newest) }} as newest on {{ key | equal('newest', 'p') }}
inner join history.{{ entity | ident }} as h
    on
        {{ key | equal('h', 'newest') }}
        and newest.effective_at = h.effective_at
        and newest.sequence = h.sequence
        and h.source = %(source)s
inner join {{ working(relation) }} as s on p._row = s._row
where
    p.is_present
    and p.operation = 'upsert'
    and p.effective_at < newest.effective_at
    and newest.effective_at <= cast(%(window_end)s as datetime(6))
    and not (
        h.source_cursor <=> s._cursor
        and {{ compare.same_named(columns, 'h', 's') }}
    );

-- name: place_seen_now
insert into {{ working(made.placed) }} (
    {{ key | idents }}, effective_at, is_present, declared_sequence, operation, _row
)
select
    {{ key | idents('n') }},
    cast(%(window_end)s as datetime(6)),
    n.is_present,
    n.declared_sequence,
    n.operation,
    n._row
from {{ working(made.seen) }} as n;
{%- endif %}
{%- if mode != 'sequence' %}

-- name: find_last
-- The event that each placed row is held against.
create temporary table {{ working(made.last) }} (
    unique index (_place)
) as
select
    r._place,
    r.effective_at,
    r.sequence
from (
    select
        p._place,
        h.effective_at,
        h.sequence,
        row_number() over (
            partition by p._place order by h.effective_at desc, h.sequence desc
        ) as place
    from {{ working(made.placed) }} as p
    inner join history.{{ entity | ident }} as h on {{ key | equal('h', 'p') }}
    where
        h.source = %(source)s
        and h.effective_at {{ "=" if mode == 'observed' else "<=" }} p.effective_at
) as r
where r.place = 1;
{%- endif %}

-- name: find_novel
create temporary table {{ working(novel) }} (
    effective_at datetime(6),
    index ({{ key | idents }})
) as
select
    {{ key | idents('p') }},
    p.effective_at,
    p.operation,
    p._row,
    {%- if mode == 'sequence' %}
    p.declared_sequence as sequence
    {%- else %}
    case when l.effective_at = p.effective_at then l.sequence + 1 else 0 end
    {%- if not is_one_per_key %}
    + row_number() over (partition by {{ key | idents('p') }}, p.effective_at order by p._row)
    - 1 {%- endif %} as sequence
    {%- endif %}
from {{ working(made.placed) }} as p
{%- if mode == 'sequence' %}
left join history.{{ entity | ident }} as h
    on
        {{ key | equal('h', 'p') }}
        and p.effective_at = h.effective_at
        and p.declared_sequence = h.sequence
        and h.source = %(source)s
where h.operation is null;
{%- else %}
inner join {{ working(relation) }} as s on p._row = s._row
left join {{ working(made.last) }} as l on p._place = l._place
left join history.{{ entity | ident }} as last_event
    on
        {{ key | equal('last_event', 'p') }}
        and l.effective_at = last_event.effective_at
        and l.sequence = last_event.sequence
        and last_event.source = %(source)s
where
    {%- if mode == 'observed' %}
    -- a state that was recorded when it was seen, after its member came back, says nothing new
    not exists (
        select 1 from history.{{ entity | ident }} as h
        where
            {{ key | equal('h', 'p') }}
            and p.is_present
            and p.effective_at < h.effective_at
            and p.operation = 'upsert'
            and h.operation = 'upsert'
            and h.source = %(source)s
            and h.source_cursor = s._cursor
            and {{ compare.same_named(columns, 'h', 's') }}
    )
    and
    {%- endif %}
    (
        last_event.operation is null
        or last_event.operation != p.operation
        or (
            p.operation = 'upsert'
            and not ({{ compare.same_named(columns, 'last_event', 's') }})
        )
    );
{%- endif %}
-- noqa: enable=LT02

-- name: append
insert into history.{{ entity | ident }} (
    {{ key | idents }}, effective_at, sequence, source, operation, existence, source_cursor,
    absent, recorded_at, run_id, {{ columns | idents }}
)
select
    {{ key | idents('n') }},
    n.effective_at,
    n.sequence,
    %(source)s,
    n.operation,
    %(existence)s,
    s._cursor,
    case when n.operation = 'upsert' then %(absent)s else %(all_attributes)s end,
    %(recorded_at)s,
    %(run_id)s,
    {{ columns.values() | idents('s') }}
from {{ working(novel) }} as n
inner join {{ working(relation) }} as s on n._row = s._row;

-- name: note
insert into {{ staging | ident }}.{{ affected | ident }} ({{ key | idents }})
select {{ key | idents('n') }}
from {{ working(novel) }} as n
on duplicate key update
    {{ first | ident }} = n.{{ first | ident }};

-- name: count
-- a row that makes two events, then and now, is one row (law R3)
select
    count(distinct n._row) as telling_rows,
    count(case when c.valid_from > n.effective_at then 1 end) as late
from {{ working(novel) }} as n
left join warehouse.{{ dimension | ident }} as c
    on {{ key | equal('c', 'n') }} and c.is_current and not c.is_inferred
