-- grain: one row per run, so many of the newest of each pipeline: an hourly one leaves room
-- reads: audit.runs, audit.run_tables, audit.quality_results
with ranked_runs as (
    select
        run_id,
        pipeline,
        business_date,
        status,
        started_at,
        finished_at,
        quality_score_pct,
        flow_run_url,
        code_version,
        parameters,
        full_refresh,
        is_backfill,
        {{ "error" | first_line }} as error,
        row_number() over (partition by pipeline order by started_at desc, run_id desc) as age
    from audit.runs
),

newest_runs as (
    select *
    from ranked_runs
    where age <= {{ newest }}
),

table_totals as (
    select
        run_id,
        sum(extracted) as extracted,
        sum(rejected) as rejected,
        sum(quarantined) as quarantined,
        sum(case when role in ('dimension', 'fact', 'replica') then inserted end) as inserted,
        sum(case when role in ('dimension', 'fact', 'replica') then updated end) as updated
    from audit.run_tables
    where run_id in (select newest_runs.run_id from newest_runs)
    group by run_id
),

rule_totals as (
    select
        run_id,
        count(*) as rule_count,
        count(case when not (passed and checked) then 1 end) as failing_rule_count,
        count(case when not (passed and checked) and severity = 'critical' then 1 end)
            as critical_count,
        count(case when not (passed and checked) and severity = 'warning' then 1 end)
            as warning_count,
        count(case when not (passed and checked) and severity = 'info' then 1 end) as info_count
    from audit.quality_results
    where run_id in (select newest_runs.run_id from newest_runs)
    group by run_id
)

select
    newest_runs.run_id,
    newest_runs.pipeline,
    newest_runs.business_date,
    newest_runs.status,
    newest_runs.started_at,
    newest_runs.finished_at,
    cast(
        {{ "newest_runs.started_at" | seconds_until("newest_runs.finished_at") }} as decimal(12, 1)
    ) as seconds,
    newest_runs.quality_score_pct,
    rule_totals.rule_count,
    rule_totals.failing_rule_count,
    rule_totals.critical_count,
    rule_totals.warning_count,
    rule_totals.info_count,
    table_totals.extracted,
    table_totals.rejected,
    table_totals.quarantined,
    table_totals.inserted,
    table_totals.updated,
    newest_runs.flow_run_url,
    newest_runs.code_version,
    newest_runs.parameters,
    newest_runs.full_refresh,
    newest_runs.is_backfill,
    newest_runs.error,
    newest_runs.age
from newest_runs
left join table_totals on newest_runs.run_id = table_totals.run_id
left join rule_totals on newest_runs.run_id = rule_totals.run_id
order by newest_runs.started_at desc, newest_runs.run_id desc;
