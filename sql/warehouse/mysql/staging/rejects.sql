-- grain: statements that keep the rows of one part that preparation rejected
-- reads: rejected_part

-- name: open
drop temporary table if exists audit.rejected_part;
create temporary table audit.rejected_part (
    payload longtext,
    column_name longtext,
    reason longtext
);

-- name: keep
insert into {{ schema | ident }}._rejected (table_name, payload, column_name, reason)
select
    %(table_name)s,
    p.payload,
    p.column_name,
    p.reason
from audit.rejected_part as p;
