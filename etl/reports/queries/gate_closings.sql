-- grain: one row per run whose gate closed, the 50 newest
-- reads: audit.runs, audit.verdicts, audit.quality_results
with closings as (
    select
        run_id,
        started_at,
        pipeline,
        business_date,
        quality_score_pct
    from audit.runs
    where status = 'gate_closed'
    order by started_at desc, run_id desc
    limit 50
),

closed_tables as (
    select
        run_id,
        {{ "table_name" | joined("table_name") }} as table_names
    from audit.verdicts
    where not is_open and run_id in (select closings.run_id from closings)
    group by run_id
),

closing_rules as (
    select
        run_id,
        {{ "concat(table_name, '.', rule)" | joined("table_name, rule") }} as rules
    from audit.quality_results
    where
        run_id in (select closings.run_id from closings)
        and (not checked or (not passed and severity = 'critical'))
    group by run_id
)

select
    closings.started_at,
    closings.pipeline,
    closings.business_date,
    closed_tables.table_names,
    closing_rules.rules,
    closings.quality_score_pct,
    closings.run_id
from closings
left join closed_tables on closings.run_id = closed_tables.run_id
left join closing_rules on closings.run_id = closing_rules.run_id
order by closings.started_at desc, closings.run_id desc;
