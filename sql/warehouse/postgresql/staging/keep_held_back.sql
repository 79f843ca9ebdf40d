-- grain: what the run held back, out of staging into audit;
-- a row that already waits is not written twice (law R4), nor one that a person discarded
-- reads: {{ schema }}._quarantine, {{ schema }}._rejected, {{ schema }}._replayed

-- name: renew_replayed
-- A replayed row that still breaks a rule stays the same entry, with the rules of now (law Q3).
update audit.quarantine as q
set rules = s.rules
from {{ schema | ident }}._quarantine as s
inner join {{ schema | ident }}._replayed as r on s.row_number = r.quarantine_id and r.is_staged
where
    q.quarantine_id = r.quarantine_id
    and q.table_name = s.table_name
    and q.rules is distinct from s.rules;

-- name: keep_quarantine
-- What the source did not have, or no longer has, is not in the payload (law S6).
with plans as (
    select
        p.table_name,
        p.as_of,
        p.absent,
        p.personal
    from jsonb_to_recordset(%(plans)s::jsonb) as p (
        table_name text, as_of timestamptz, absent text[], personal text[]
    )
),

held_back as (
    select
        s.table_name,
        s.row_key,
        s.rules,
        s.payload - coalesce(p.absent, '{}') as payload,
        p.as_of,
        coalesce(p.personal, '{}') as personal
    from {{ schema | ident }}._quarantine as s
    left join plans as p on s.table_name = p.table_name
    where
        not exists (
            select from {{ schema | ident }}._replayed as r
            where r.is_staged and r.quarantine_id = s.row_number and r.table_name = s.table_name
        )
),

renewed as (
    update audit.quarantine as q
    set rules = h.rules
    from held_back as h
    where
        q.table_name = h.table_name
        and q.row_key = h.row_key
        and q.payload = h.payload
        and q.status = 'open'
        and q.rules is distinct from h.rules
)

insert into audit.quarantine (run_id, table_name, row_key, rules, payload, as_of, shown_key)
select
    %(run_id)s,
    h.table_name,
    h.row_key,
    h.rules,
    h.payload,
    h.as_of,
    (
        select
            string_agg(
                k.name || '=' || case
                    when k.name = any(h.personal) then '·'
                    when jsonb_typeof(k.value) = 'number' then k.value #>> '{}'
                    when k.value #>> '{}' ~ '^\d{4}-\d\d-\d\d([T ][\d:.+-]*)?$'
                        then k.value #>> '{}'
                    when jsonb_typeof(k.value) = 'null' then 'none'
                    else '·'
                end,
                ', '
                order by k.name
            )
        from jsonb_each(h.row_key) as k (name, value)
    )
from held_back as h
where
    not exists (
        select from audit.quarantine as q
        where
            q.table_name = h.table_name
            and q.row_key = h.row_key
            and q.payload = h.payload
            and (q.status = 'open' or (q.status = 'discarded' and q.closed_run_id is null))
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
