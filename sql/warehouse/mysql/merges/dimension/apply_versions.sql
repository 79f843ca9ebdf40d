-- grain: statements that make the affected members of {{ dimension }} equal to their versions
-- reads: {{ staging }}.{{ versions }}, {{ staging }}.{{ affected }}
{%- import "compare.sql" as compare %}
{%- set missing = "missing_" ~ entity %}

-- name: find_removed
drop temporary table if exists {{ staging | ident }}.{{ removed | ident }};
create temporary table {{ staging | ident }}.{{ removed | ident }} (
    primary key ({{ surrogate | ident }})
) as
select d.{{ surrogate | ident }}
from warehouse.{{ dimension | ident }} as d
inner join {{ staging | ident }}.{{ affected | ident }} as a on {{ key | equal('a', 'd') }}
left join {{ staging | ident }}.{{ versions | ident }} as v
    on {{ key | equal('v', 'd') }} and d.valid_from = v.valid_from
where v.valid_from is null;

-- name: close_removed
-- A removed version gives up the place of the current one before another takes it (law S2).
update warehouse.{{ dimension | ident }} as d
inner join {{ staging | ident }}.{{ removed | ident }} as r
    on d.{{ surrogate | ident }} = r.{{ surrogate | ident }}
set d.valid_to = d.valid_from + interval 1 microsecond
where d.is_current;

-- name: update_changed
update warehouse.{{ dimension | ident }} as d
inner join {{ staging | ident }}.{{ versions | ident }} as v
    on {{ key | equal('v', 'd') }} and d.valid_from = v.valid_from
set
    {%- for column in columns %}
    d.{{ column | ident }} = v.{{ column | ident }},
    {%- endfor %}
    d.updated_run_id = %(run_id)s
where {{ compare.differs(columns, 'd', 'v') }};

-- name: insert_missing
-- Found apart: an insert that reads its own table first writes all its rows down.
drop temporary table if exists {{ staging | ident }}.{{ missing | ident }};
create temporary table {{ staging | ident }}.{{ missing | ident }} (
    valid_from datetime(6) not null,
    primary key ({{ key | idents }}, valid_from)
) as
select
    {{ key | idents('v') }},
    v.valid_from
from {{ staging | ident }}.{{ versions | ident }} as v
left join warehouse.{{ dimension | ident }} as d
    on {{ key | equal('d', 'v') }} and v.valid_from = d.valid_from
where d.valid_from is null;

insert into warehouse.{{ dimension | ident }} (
    {{ key | idents }}, valid_from, {{ columns | idents }}, inserted_run_id, updated_run_id
)
select
    {{ key | idents('v') }},
    v.valid_from,
    {{ columns | idents('v') }},
    %(run_id)s,
    %(run_id)s
from {{ staging | ident }}.{{ missing | ident }} as m
inner join {{ staging | ident }}.{{ versions | ident }} as v
    on {{ key | equal('v', 'm') }} and m.valid_from = v.valid_from
order by {{ key | idents('m') }}, m.valid_from;

-- name: count_versions
select count(*) from {{ staging | ident }}.{{ versions | ident }};

-- name: remove_obsolete
delete from warehouse.{{ dimension | ident }}
using warehouse.{{ dimension | ident }}
inner join {{ staging | ident }}.{{ removed | ident }} as r
    on {{ dimension | ident }}.{{ surrogate | ident }} = r.{{ surrogate | ident }};

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
    inner join {{ staging | ident }}.{{ affected | ident }} as a on {{ key | equal('a', 'd') }}
)

select count(*)
from neighbours as n
where
    n.next_from < n.valid_to
    or (
        n.next_from > n.valid_to
        and not exists (
            select 1 from history.{{ entity | ident }} as h
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
    count(case when t.is_inferred or t.goes_on then null else 1 end) as ending,
    count(case when t.is_inferred or t.is_same then null else 1 end) as changing,
    count(case when t.expires then 1 end) as expired
from (
    select
        max(d.is_inferred) as is_inferred,
        max(v.valid_from = d.valid_from and v.valid_to != d.valid_to) as expires,
        max(v.valid_to = d.valid_to) as goes_on,
        max(
            v.valid_from = d.valid_from
            {%- for name in columns %}
            and (d.{{ name | ident }} is null or d.{{ name | ident }} <=> v.{{ name | ident }})
            {%- endfor %}
        ) as is_same
    from warehouse.{{ dimension | ident }} as d
    inner join {{ staging | ident }}.{{ affected | ident }} as a on {{ key | equal('a', 'd') }}
    left join {{ staging | ident }}.{{ versions | ident }} as v on {{ key | equal('v', 'd') }}
    where d.is_current
    group by d.{{ surrogate | ident }}
) as t;

-- name: count_members
-- AM09: how many there are, and not which
select count(*)
from (
    select 1 as is_member
    from warehouse.{{ dimension | ident }} as d
    where d.is_current and d.{{ surrogate | ident }} > 0 and not d.is_inferred
    limit %(enough)s -- noqa: AM09
) as members
