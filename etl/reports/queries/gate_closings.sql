-- grain: one row per run whose gate closed, the 50 newest
-- reads: audit.runs, audit.verdicts, audit.quality_results
with closed_tables as (
    select
        run_id,
        string_agg(table_name, ', ' order by table_name) as table_names
    from audit.verdicts
    where not is_open
    group by run_id
),

closing_rules as (
    select
        run_id,
        string_agg(table_name || '.' || rule, ', ' order by table_name, rule) as rules
    from audit.quality_results
    where not checked or (not passed and severity = 'critical')
    group by run_id
)

select
    runs.started_at,
    runs.pipeline,
    runs.business_date,
    closed_tables.table_names,
    closing_rules.rules,
    runs.quality_score_pct,
    runs.run_id
from audit.runs
left join closed_tables on runs.run_id = closed_tables.run_id
left join closing_rules on runs.run_id = closing_rules.run_id
where runs.status = 'gate_closed'
order by runs.started_at desc, runs.run_id desc
limit 50;
