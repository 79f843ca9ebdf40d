-- grain: statements that prepare the release of members of {{ dimension }} that differ
-- reads: {{ staging }}.{{ joined }}, warehouse.{{ dimension }}, history.{{ entity }}

-- name: touch_members
-- Their versions are derived anew from their history, whatever became of them (law S19).
insert into {{ staging | ident }}.{{ affected | ident }} ({{ key | idents }})
select distinct {{ key | idents('j') }}
from {{ staging | ident }}.{{ joined | ident }} as j
where j._finding != 'same'
on conflict do nothing;

-- name: keep_present
-- Keys of all members but those that the source no longer has.
create unlogged table {{ staging | ident }}.{{ present | ident }} as
select {{ key | idents('d') }}
from warehouse.{{ dimension | ident }} as d
where
    d.is_current
    and not exists (
        select from {{ staging | ident }}.{{ joined | ident }} as j
        where j._finding = 'extra' and {{ key | equal('j', 'd') }}
    );

-- name: forget_events
-- A log tells each event once, so that one that differs is told again only where it is gone.
delete from history.{{ entity | ident }} as h
using {{ staging | ident }}.{{ joined | ident }} as j
where
    j._finding in ('changed', 'extra')
    and h.source = %(source)s
    and {{ key_parts | equal('j', 'h') }};
