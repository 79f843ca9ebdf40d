-- grain: statements that keep the rows of one part that preparation rejected
-- reads: rejected_part

-- name: open
create temporary table rejected_part (payload text, column_name text, reason text) on commit drop;

-- name: keep
insert into {{ schema | ident }}._rejected (table_name, payload, column_name, reason)
select
    %(table_name)s,
    p.payload::jsonb,
    p.column_name,
    p.reason
from rejected_part as p;
