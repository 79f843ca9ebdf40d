-- grain: one delete event per current member whose key the source no longer has (law X8, compare)
-- reads: {{ staging }}.{{ keys_relation }}, warehouse.{{ dimension }}, history.{{ entity }}
with gone as (
    select
        {{ key | idents('d') }},
        -- never at the very start of the version it ends, which would leave none of it
        greatest(%(window_end)s::timestamptz, d.valid_from + interval '1 microsecond') as deleted_at
    from warehouse.{{ dimension | ident }} as d
    where
        d.is_current
        and not d.is_inferred
        and d.{{ surrogate | ident }} > 0
        and not exists (
            select from {{ staging | ident }}.{{ keys_relation | ident }} as k
            where {{ key | equal('k', 'd') }}
        )
        and exists (
            select from history.{{ entity | ident }} as h
            where {{ key | equal('h', 'd') }} and h.source = %(source)s and h.operation = 'upsert'
        )
),

appended as (
    insert into history.{{ entity | ident }} (
        {{ key | idents }}, effective_at, sequence, source, operation, absent, recorded_at, run_id
    )
    select
        {{ key | idents('g') }},
        g.deleted_at,
        coalesce(max(h.sequence) + 1, 0),
        %(source)s,
        'delete',
        %(absent)s::text[],
        transaction_timestamp(),
        %(run_id)s
    from gone as g
    left join history.{{ entity | ident }} as h
        on
            {{ key | equal('h', 'g') }}
            and h.effective_at = g.deleted_at
            and h.source = %(source)s
    group by {{ key | idents('g') }}, g.deleted_at
    returning {{ key | idents }}
),

noted as (
    insert into {{ staging | ident }}.{{ affected | ident }} ({{ key | idents }})
    select {{ key | idents }} from appended
    -- a member is deleted after its current version starts: a `since` noted before is early enough
    on conflict do nothing
)

select count(*) as appended from appended
