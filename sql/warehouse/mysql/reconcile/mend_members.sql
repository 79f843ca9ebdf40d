-- grain: statements that prepare the release of members of {{ dimension }} that differ
-- reads: {{ staging }}.{{ joined }}, warehouse.{{ dimension }}, history.{{ entity }}

-- name: touch_members
-- Their versions are derived anew from their history, whatever became of them (law S19).
insert into {{ staging | ident }}.{{ affected | ident }} ({{ key | idents }})
select {{ key | idents('j') }}
from {{ staging | ident }}.{{ joined | ident }} as j
where j._finding != 'same'
on duplicate key update {{ (key | list)[0] | ident }} = j.{{ (key | list)[0] | ident }};

-- name: keep_present
-- Keys of all members but those that the source no longer has.
drop temporary table if exists {{ staging | ident }}.{{ present | ident }};
create temporary table {{ staging | ident }}.{{ present | ident }} (index ({{ key | idents }})) as
select {{ key | idents('d') }}
from warehouse.{{ dimension | ident }} as d
where
    d.is_current
    and not exists (
        select 1 from {{ staging | ident }}.{{ joined | ident }} as j
        where j._finding = 'extra' and {{ key | equal('j', 'd') }}
    );

-- name: forget_events
-- A log tells each event once, so that one that differs is told again only where it is gone.
delete from history.{{ entity | ident }}
using history.{{ entity | ident }}
inner join {{ staging | ident }}.{{ joined | ident }} as j
    on {{ key_parts | equal("j", "history." ~ (entity | ident)) }}
where
    j._finding in ('changed', 'extra')
    and history.{{ entity | ident }}.source = %(source)s;
