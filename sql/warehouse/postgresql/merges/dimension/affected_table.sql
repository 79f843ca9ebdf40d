-- grain: one row per member of {{ dimension }} that this release touches; `since` is the start of
-- the first version that is derived anew, -infinity (whoever notes only the key) for all of them
-- reads: warehouse.{{ dimension }}, for the types of its key alone
create unlogged table if not exists {{ staging | ident }}.{{ affected | ident }} as
select
    {{ key | idents }},
    '-infinity'::timestamptz as since
from warehouse.{{ dimension | ident }}
where false;
alter table {{ staging | ident }}.{{ affected | ident }}
alter since set default '-infinity',
alter since set not null;
create unique index on {{ staging | ident }}.{{ affected | ident }} ({{ key | idents }});
