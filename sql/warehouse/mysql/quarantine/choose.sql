-- grain: statements that choose the entries of one run of a replay
-- reads: audit.quarantine
{% import "quarantine/matching.sql" as matching -%}
-- name: choose
insert into {{ schema | ident }}._replayed (quarantine_id, table_name)
with {{ matching.incomplete(parts, unfinished) }}

select
    q.quarantine_id,
    q.table_name
from audit.quarantine as q
where
    {{ matching.matches() }}
    and q.run_id = %(original_run)s
    and not exists (select 1 from incomplete as i where i.quarantine_id = q.quarantine_id);

-- name: choose_to_read
insert into {{ schema | ident }}._replayed (quarantine_id, table_name)
with {{ matching.incomplete(parts, unfinished) }}

select
    q.quarantine_id,
    q.table_name
from audit.quarantine as q
where
    {{ matching.matches() }}
    and q.table_name in ({{ matching.listed("%(read_tables)s") }})
    and (
        %(from_source)s
        or exists (select 1 from incomplete as i where i.quarantine_id = q.quarantine_id)
    );
