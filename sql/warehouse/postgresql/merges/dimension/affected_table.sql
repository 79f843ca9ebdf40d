-- grain: one row per member of {{ dimension }} that this release touches
-- reads: warehouse.{{ dimension }}, for the types of its key alone
create unlogged table if not exists {{ staging | ident }}.{{ affected | ident }} as
select {{ key | idents }}
from warehouse.{{ dimension | ident }}
where false;
create unique index on {{ staging | ident }}.{{ affected | ident }} ({{ key | idents }});
