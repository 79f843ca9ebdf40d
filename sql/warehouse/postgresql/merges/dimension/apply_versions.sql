-- grain: statements that make the affected members of {{ dimension }} equal to their versions
-- reads: {{ staging }}.{{ versions }}, {{ staging }}.{{ affected }}

-- name: find_removed
create unlogged table {{ staging | ident }}.{{ removed | ident }} as
select d.{{ surrogate | ident }}
from warehouse.{{ dimension | ident }} as d
inner join {{ staging | ident }}.{{ affected | ident }} as a
    on {{ key | equal('a', 'd') }} and d.valid_from >= a.since
where not exists (
    select from {{ staging | ident }}.{{ versions | ident }} as v
    where v.{{ surrogate | ident }} = d.{{ surrogate | ident }}
);

-- name: close_removed
-- A removed version gives up the place of the current one before another takes it (law S2).
update warehouse.{{ dimension | ident }} as d
set valid_to = d.valid_from + interval '1 microsecond'
from {{ staging | ident }}.{{ removed | ident }} as r
where r.{{ surrogate | ident }} = d.{{ surrogate | ident }} and d.is_current;

-- name: update_changed
update warehouse.{{ dimension | ident }} as d
set
    {%- for column in columns %}
    {{ column | ident }} = v.{{ column | ident }},
    {%- endfor %}
    updated_run_id = %(run_id)s
from {{ staging | ident }}.{{ versions | ident }} as v
where
    v.{{ surrogate | ident }} = d.{{ surrogate | ident }}
    and row({{ columns | idents('d') }}) is distinct from row({{ columns | idents('v') }});

-- name: insert_missing
insert into warehouse.{{ dimension | ident }} (
    {{ key | idents }}, valid_from, {{ columns | idents }}, inserted_run_id, updated_run_id
)
select
    {{ key | idents('v') }},
    v.valid_from,
    {{ columns | idents('v') }},
    %(run_id)s,
    %(run_id)s
from {{ staging | ident }}.{{ versions | ident }} as v
where v.{{ surrogate | ident }} is null
order by {{ key | idents('v') }}, v.valid_from;

-- name: count_versions
-- All versions of the affected members, those before the derived ones included.
select
    (select count(*) from {{ staging | ident }}.{{ versions | ident }})
    + (
        select count(*)
        from warehouse.{{ dimension | ident }} as d
        inner join {{ staging | ident }}.{{ affected | ident }} as a
            on {{ key | equal('a', 'd') }} and d.valid_from < a.since
    ) as versions;

-- name: remove_obsolete
delete from warehouse.{{ dimension | ident }} as d
using {{ staging | ident }}.{{ removed | ident }} as r
where r.{{ surrogate | ident }} = d.{{ surrogate | ident }};

-- name: count_broken
-- Overlaps, and gaps that no delete made, among the affected members (laws S2, S3).
with neighbours as (
    select
        {{ key | idents('d') }},
        d.valid_to,
        lead(d.valid_from) over (
            partition by {{ key | idents('d') }} order by d.valid_from
        ) as next_from
    from warehouse.{{ dimension | ident }} as d
    inner join {{ staging | ident }}.{{ affected | ident }} as a
        on {{ key | equal('a', 'd') }} and d.valid_from >= a.since
)

select count(*)
from neighbours as n
where
    n.next_from != n.valid_to
    and (
        n.next_from < n.valid_to
        or not exists (
            select from history.{{ entity | ident }} as h
            where
                {{ key | equal('h', 'n') }}
                and h.effective_at = n.valid_to
                and h.operation = 'delete'
        )
    );

-- name: count_touched
-- Of current versions: members that would end, that would change (for the guard, which inferred
-- members do not concern), and versions that end at another time than before.
-- A value that becomes known where there was none is no change, as it makes no version (law S14).
select
    count(*) filter (where e.valid_from is null and not d.is_inferred) as ending,
    count(*) filter (
        where not d.is_inferred and (
            v.valid_from is null
            {%- for name in columns %}
            or (
                d.{{ name | ident }} is not null
                and (d.{{ name | ident }} = v.{{ name | ident }}) is not true
            )
            {%- endfor %}
        )
    ) as changing,
    count(*) filter (where v.valid_to != d.valid_to) as expired
from warehouse.{{ dimension | ident }} as d
inner join {{ staging | ident }}.{{ affected | ident }} as a on {{ key | equal('a', 'd') }}
left join {{ staging | ident }}.{{ versions | ident }} as e
    on {{ key | equal('e', 'd') }} and d.valid_to = e.valid_to
left join {{ staging | ident }}.{{ versions | ident }} as v
    on d.{{ surrogate | ident }} = v.{{ surrogate | ident }}
where d.is_current;

-- name: count_members
-- AM09: how many there are, and not which
with members as (
    select from warehouse.{{ dimension | ident }} as d
    where d.is_current and d.{{ surrogate | ident }} > 0 and not d.is_inferred
    limit %(enough)s -- noqa: AM09
)

select count(*) from members
