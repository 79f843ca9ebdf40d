-- grain: one row per table that was judged in a run in run_ids
-- reads: audit.verdicts
select
    run_id,
    table_name,
    case when is_open then 'passed' else 'closed' end as verdict,
    score_pct,
    row_count,
    quarantined,
    seconds,
    docs_page
from audit.verdicts
where run_id in ({{ run_ids | join(", ") }})
order by run_id, is_open, table_name;
