-- grain: one row per member of {{ dimension }} that this release touches
-- reads: warehouse.{{ dimension }}, for the types of its key alone
create temporary table if not exists {{ staging | ident }}.{{ affected | ident }} (
    unique index ({{ key | idents }})
) as
select {{ key | idents }}
from warehouse.{{ dimension | ident }}
where false;
