-- grain: one row per table that was judged, its newest verdict, closed gates first
-- reads: audit.verdicts, audit.runs
with ranked_verdicts as (
    select
        verdicts.table_name,
        verdicts.is_open,
        verdicts.score_pct,
        verdicts.row_count,
        verdicts.quarantined,
        verdicts.docs_page,
        runs.pipeline,
        runs.started_at,
        runs.run_id,
        row_number() over (
            partition by verdicts.table_name
            order by runs.started_at desc, runs.run_id desc
        ) as age
    from audit.verdicts
    inner join audit.runs on verdicts.run_id = runs.run_id
)

select
    table_name,
    case when is_open then 'passed' else 'closed' end as verdict,
    score_pct,
    row_count,
    quarantined,
    docs_page,
    pipeline,
    started_at,
    run_id
from ranked_verdicts
where age = 1
order by is_open asc, score_pct asc, table_name asc;
