-- grain: what the run held back, out of staging into audit;
-- a row that already waits is not written twice (law R4)
-- reads: {{ schema }}._quarantine, {{ schema }}._rejected

-- name: keep_quarantine
insert into audit.quarantine (run_id, table_name, row_key, rules, payload)
select
    %(run_id)s,
    s.table_name,
    s.row_key,
    s.rules,
    s.payload
from {{ schema | ident }}._quarantine as s
where not exists (
    select from audit.quarantine as q
    where
        q.table_name = s.table_name
        and q.row_key = s.row_key
        and q.rules = s.rules
        and q.payload = s.payload
        and q.status = 'open'
);

-- name: keep_rejected
insert into audit.rejected_rows (run_id, table_name, column_name, reason, payload)
select
    %(run_id)s,
    s.table_name,
    s.column_name,
    s.reason,
    s.payload
from {{ schema | ident }}._rejected as s
where not exists (
    select from audit.rejected_rows as r
    where r.table_name = s.table_name and r.reason = s.reason and r.payload = s.payload
);
