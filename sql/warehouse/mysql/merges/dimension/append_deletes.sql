-- grain: one delete event per current member whose key the source no longer has (law X8, compare)
-- reads: {{ staging }}.{{ keys_relation }}, warehouse.{{ dimension }}, history.{{ entity }}
{%- set gone = "gone_members_" ~ entity %}
drop temporary table if exists {{ staging | ident }}.{{ gone | ident }};
create temporary table {{ staging | ident }}.{{ gone | ident }} (
    deleted_at datetime(6),
    unique index ({{ key | idents }})
) as
select
    {{ key | idents('d') }},
    -- never at the very start of the version it ends, which would leave none of it
    greatest(
        cast(%(window_end)s as datetime(6)), d.valid_from + interval 1 microsecond
    ) as deleted_at
from warehouse.{{ dimension | ident }} as d
left join {{ staging | ident }}.{{ keys_relation | ident }} as k on {{ key | equal('k', 'd') }}
where
    d.is_current
    and not d.is_inferred
    and d.{{ surrogate | ident }} > 0
    and k.{{ (key | list)[0] | ident }} is null
    and exists (
        select 1 from history.{{ entity | ident }} as h
        where {{ key | equal('h', 'd') }} and h.source = %(source)s and h.operation = 'upsert'
    );

insert into history.{{ entity | ident }} (
    {{ key | idents }}, effective_at, sequence, source, operation, absent, recorded_at, run_id
)
select
    {{ key | idents('g') }},
    g.deleted_at,
    coalesce(max(h.sequence) + 1, 0),
    %(source)s,
    'delete',
    %(absent)s,
    %(recorded_at)s,
    %(run_id)s
from {{ staging | ident }}.{{ gone | ident }} as g
left join history.{{ entity | ident }} as h
    on
        {{ key | equal('h', 'g') }}
        and h.effective_at = g.deleted_at
        and h.source = %(source)s
group by {{ key | idents('g') }}, g.deleted_at;

insert into {{ staging | ident }}.{{ affected | ident }} ({{ key | idents }})
select {{ key | idents('g') }}
from {{ staging | ident }}.{{ gone | ident }} as g
on duplicate key update
    {{ (key | list)[0] | ident }} = g.{{ (key | list)[0] | ident }};

select count(*) as appended
from {{ staging | ident }}.{{ gone | ident }};
