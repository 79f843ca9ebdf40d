-- grain: one statement per audit table, those that name a run before the runs themselves
-- reads: audit.runs and what refers to it
-- Watermarks, the ledger of files, open quarantine and each table's newest reconciliation stay,
-- and so do the runs that they name.

-- name: quarantine
-- Settled entries outlive their run: until then a discarded row that comes again is known.
delete from audit.quarantine
using audit.quarantine
inner join audit.runs as r on quarantine.run_id = r.run_id
where
    quarantine.status != 'open'
    and coalesce(quarantine.closed_at, r.finished_at) < %(before)s;

{% for table in [
    "rejected_rows", "quality_results", "transformations", "source_drifts", "run_tables",
    "verdicts", "windows", "profiles", "profile_drifts"
] -%}
-- name: {{ table }}
delete from audit.{{ table }}
using audit.{{ table }}
inner join audit.runs as r on {{ table }}.run_id = r.run_id
where r.finished_at < %(before)s;

{% endfor -%}
-- name: reconciliations
delete from audit.reconciliations
using audit.reconciliations
inner join audit.runs as r on reconciliations.run_id = r.run_id
inner join (
    select
        c.table_name,
        max(c.as_of) as as_of
    from audit.reconciliations as c
    group by c.table_name
) as newest on reconciliations.table_name = newest.table_name
where r.finished_at < %(before)s and newest.as_of > reconciliations.as_of;

-- name: incidents
-- Messages about them go with them.
delete from audit.incidents
where closed_at < %(before)s;

-- name: runs
delete from audit.runs
where
    finished_at < %(before)s
    and not exists (select 1 from audit.watermarks as w where w.run_id = runs.run_id)
    and not exists (select 1 from audit.files as f where f.run_id = runs.run_id)
    and not exists (select 1 from audit.quarantine as q where q.run_id = runs.run_id)
    and not exists (select 1 from audit.reconciliations as c where c.run_id = runs.run_id);
