-- grain: one statement per audit table, those that name a run before the runs themselves
-- reads: audit.runs and what refers to it
-- Watermarks, the ledger of files, open quarantine and each table's newest reconciliation stay,
-- and so do the runs that they name.

-- name: quarantine
-- Settled entries outlive their run: until then a discarded row that comes again is known.
delete from audit.quarantine as q
using audit.runs as r
where
    q.run_id = r.run_id
    and q.status != 'open'
    and coalesce(q.closed_at, r.finished_at) < %(before)s;

{% for table in [
    "rejected_rows", "quality_results", "transformations", "source_drifts", "run_tables",
    "verdicts", "windows", "profiles", "profile_drifts"
] -%}
-- name: {{ table }}
delete from audit.{{ table }} as d
using audit.runs as r
where d.run_id = r.run_id and r.finished_at < %(before)s;

{% endfor -%}
-- name: reconciliations
delete from audit.reconciliations as d
using audit.runs as r
where
    d.run_id = r.run_id
    and r.finished_at < %(before)s
    and exists (
        select from audit.reconciliations as later
        where later.table_name = d.table_name and later.as_of > d.as_of
    );

-- name: incidents
-- Messages about them go with them.
delete from audit.incidents as i
where i.closed_at < %(before)s;

-- name: runs
delete from audit.runs as r
where
    r.finished_at < %(before)s
    and not exists (select from audit.watermarks as w where w.run_id = r.run_id)
    and not exists (select from audit.files as f where f.run_id = r.run_id)
    and not exists (select from audit.quarantine as q where q.run_id = r.run_id)
    and not exists (select from audit.reconciliations as c where c.run_id = r.run_id);
