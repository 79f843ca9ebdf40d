-- grain: one row per rule that failed, or could not be checked, in a run in run_ids
-- reads: audit.quality_results, audit.runs
select
    runs.run_id,
    runs.pipeline,
    runs.business_date,
    runs.started_at,
    quality_results.table_name,
    quality_results.rule,
    quality_results.column_name,
    quality_results.severity,
    case when quality_results.checked then 'failed' else 'not checked' end as result,
    quality_results.unexpected_count,
    quality_results.element_count,
    quality_results.observed
from audit.quality_results
inner join audit.runs on quality_results.run_id = runs.run_id
where
    quality_results.run_id in ({{ run_ids | join(", ") }})
    and (not quality_results.passed or not quality_results.checked)
order by
    runs.started_at desc,
    runs.run_id desc,
    case quality_results.severity when 'critical' then 1 when 'warning' then 2 else 3 end asc,
    quality_results.table_name asc,
    quality_results.rule asc;
