-- grain: one event per staged row that says something new of its key
-- reads: {{ staging }}.{{ relation }}, history.{{ entity }}, warehouse.{{ dimension }}
{%- set effective_at = "s." ~ (effective_column | ident) if effective_column
    else "%(window_end)s::timestamptz" %}
{%- set sequence = "s." ~ (sequence_column | ident) if sequence_column else "0::bigint" %}

-- name: forget_novel
drop table if exists {{ staging | ident }}.{{ novel | ident }};

-- name: find_novel
-- Apart from the insert, which would lengthen the table that is looked into.
create unlogged table {{ staging | ident }}.{{ novel | ident }} as
with staged as not materialized (
    select
        {{ key | idents('s') }},
        {{ effective_at }} as effective_at,
        {{ sequence }} as declared_sequence,
        {{ operation }} as operation,
        s._cursor as source_cursor,
        {%- for attribute, column in columns.items() %}
        s.{{ column | ident }} as {{ attribute | ident }},
        {%- endfor %}
        s._row
    from {{ staging | ident }}.{{ relation | ident }} as s
),

-- in place of its name, so that few staged rows look up few members; ST03: a replay looks up none
current_members as not materialized ( -- noqa: ST03
    select
        {{ key | idents }},
        valid_from
    from warehouse.{{ dimension | ident }}
    where is_current and not is_inferred
),

named as materialized (
    select distinct {{ key | idents('s') }}
    from staged as s
    {%- if not is_replay %}
    where not exists (select from current_members as c where {{ key | equal('c', 's') }})
    {%- endif %}
),

-- the linter loses the indent within the template's if
-- noqa: disable=LT02
ended_members as (
    select
        {{ key | idents('h') }},
        max(h.effective_at) as deleted_at
    from named as n
    inner join history.{{ entity | ident }} as h on {{ key | equal('h', 'n') }}
    where
        h.operation = 'delete'
        {%- if is_replay %}
        -- law Q3: a replayed row was seen then; what ended or came back later says nothing of it
        and h.effective_at <= %(window_end)s::timestamptz
        and not exists (
            select from history.{{ entity | ident }} as l
            where
                {{ key | equal('l', 'h') }}
                and l.operation = 'upsert'
                and l.existence
                and l.effective_at > h.effective_at
                and l.effective_at <= %(window_end)s::timestamptz
        )
        {%- endif %}
    group by {{ key | idents('h') }}
),
-- noqa: enable=LT02

-- law S3: a member whose state is seen again with an old time starts when it was seen;
-- a log of events speaks for itself
placed as not materialized (
    select
        {{ key | idents('s') }},
        {%- if existence and mode != 'sequence' %}
        case
            when s.operation = 'upsert' and e.deleted_at >= s.effective_at
                then greatest(%(window_end)s::timestamptz, e.deleted_at)
            else s.effective_at
        end as effective_at,
        {%- else %}
        s.effective_at,
        {%- endif %}
        e.deleted_at is null as is_present,
        s.declared_sequence,
        s.operation,
        s.source_cursor,
        {%- for attribute in columns %}
        s.{{ attribute | ident }},
        {%- endfor %}
        s._row
    from staged as s
    -- ST11: in the rendering for a log of events, nothing of the joined members is read
    left join ended_members as e on {{ key | equal('e', 's') }} -- noqa: ST11
),

{%- if mode == 'observed' and existence %}

-- laws X1, S8: a row with an older time than one known already splits what was known of that time,
-- and that the source shows it now is an event of now
seen_now as (
    select
        {{ key | idents('p') }},
        %(window_end)s::timestamptz as effective_at,
        p.is_present,
        p.declared_sequence,
        p.operation,
        p.source_cursor,
        {%- for attribute in columns %}
        p.{{ attribute | ident }},
        {%- endfor %}
        p._row
    from placed as p
    inner join lateral (
        select
            h.effective_at,
            h.source_cursor,
            {{ columns | idents('h') }}
        from history.{{ entity | ident }} as h
        where
            {{ key | equal('h', 'p') }}
            and h.source = %(source)s
            -- LT02: the linter loses the indent around the template's if
            and h.operation = 'upsert' -- noqa: LT02
            {%- if is_replay %}
            and h.effective_at <= %(window_end)s::timestamptz -- noqa: LT02
            {%- endif %}
        order by h.effective_at desc, h.sequence desc
        limit 1
    ) as newest on true
    where
        p.is_present
        and p.operation = 'upsert'
        and p.effective_at < newest.effective_at
        and newest.effective_at <= %(window_end)s::timestamptz
        and row(newest.source_cursor, {{ columns | idents('newest') }})
        is distinct from row(p.source_cursor, {{ columns | idents('p') }})
),

told as (
    select * from placed
    union all
    select * from seen_now
)
{%- else %}

told as (
    select * from placed
)
{%- endif %}

select
    {{ key | idents('p') }},
    p.effective_at,
    p.operation,
    p.source_cursor,
    {%- for attribute in columns %}
    p.{{ attribute | ident }},
    {%- endfor %}
    p._row,
    {%- if mode == 'sequence' %}
    p.declared_sequence as sequence
    {%- else %}
    coalesce(last_event.sequence + 1, 0)
    {%- if not is_one_per_key %}
    + row_number() over (partition by {{ key | idents('p') }}, p.effective_at order by p._row)
    - 1 {%- endif %} as sequence
    {%- endif %}
from told as p
left join lateral (
    select
        {%- if mode == 'snapshot' %}
        case when h.effective_at = p.effective_at then h.sequence else -1 end as sequence,
        {%- else %}
        h.sequence,
        {%- endif %}
        h.operation,
        {{ columns | idents('h') }}
    from history.{{ entity | ident }} as h
    where
        {{ key | equal('h', 'p') }}
        and h.source = %(source)s
        {%- if mode == 'sequence' %}
        and h.effective_at = p.effective_at
        and h.sequence = p.declared_sequence
        {%- elif mode == 'observed' %}
        and h.effective_at = p.effective_at
        {%- else %}
        and h.effective_at <= p.effective_at
        {%- endif %}
    order by h.effective_at desc, h.sequence desc
    limit 1
) as last_event on true
-- the linter loses the indent around the template's ifs
-- noqa: disable=LT02
where
    {%- if mode == 'observed' %}
    -- a state that was recorded when it was seen, after its member came back, says nothing new
    not exists (
        select from history.{{ entity | ident }} as h
        where
            {{ key | equal('h', 'p') }}
            and p.is_present
            and p.effective_at < h.effective_at
            and p.operation = 'upsert'
            and h.operation = 'upsert'
            and h.source = %(source)s
            and h.source_cursor = p.source_cursor
            and row({{ columns | idents('h') }}) is not distinct from row({{ columns | idents('p') }})
    )
    and
    {%- endif %}
    (
        last_event.operation is null
        {%- if mode != 'sequence' %}
        or last_event.operation != p.operation
        or (
            p.operation = 'upsert'
            and row({{ columns | idents('last_event') }})
            is distinct from row({{ columns | idents('p') }})
        )
        {%- endif %}
    );
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
    n.source_cursor,
    case
        when n.operation = 'upsert' then %(absent)s::text[]
        else %(all_attributes)s::text[]
    end,
    transaction_timestamp(),
    %(run_id)s,
    {{ columns | idents('n') }}
from {{ staging | ident }}.{{ novel | ident }} as n;

-- name: note
-- Versions are derived anew from the start of the one that the first new event falls into: those
-- before it stay. From the beginning where that version does not start with a whole record, or
-- where attributes look at events of other versions (law S12) or keys at other members.
with touched as (
    select
        {{ key | idents('n') }},
        min(n.effective_at) as changed_from
    from {{ staging | ident }}.{{ novel | ident }} as n
    group by {{ key | idents('n') }}
    -- so that looks into the indexes, here and later, go from one page to the next
    order by {{ key | idents('n') }}
)

insert into {{ staging | ident }}.{{ affected | ident }} as a ({{ key | idents }}, since)
select
    {{ key | idents('t') }},
    case
        when
            exists (
                select from history.{{ entity | ident }} as h
                where
                    {{ key | equal('h', 't') }}
                    and h.effective_at = started.valid_from
                    and h.operation = 'upsert'
                    and h.absent = '{}'
            )
            then started.valid_from
        else '-infinity'
    end
from touched as t
left join lateral (
    select d.valid_from
    from warehouse.{{ dimension | ident }} as d
    where {{ key | equal('d', 't') }} and d.valid_from < t.changed_from
    order by d.valid_from desc
    limit 1
) as started on {{ "false" if looks_back else "true" }}
on conflict ({{ key | idents }}) do update set since = least(a.since, excluded.since);

-- name: count
-- a row that makes two events, then and now, is one row (law R3)
select
    count(distinct n._row) as telling_rows,
    count(*) filter (where c.valid_from > n.effective_at) as late
from {{ staging | ident }}.{{ novel | ident }} as n
left join warehouse.{{ dimension | ident }} as c
    on {{ key | equal('c', 'n') }} and c.is_current and not c.is_inferred
