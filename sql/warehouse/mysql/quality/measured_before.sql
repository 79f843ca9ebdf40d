-- grain: one row per rule of a table, with what it measured in runs like this one (law Q4)
-- reads: audit.quality_results, audit.verdicts, audit.runs
with alike as (
    select
        r.run_id,
        r.started_at
    from audit.runs as r
    inner join audit.verdicts as v on r.run_id = v.run_id
    where
        v.table_name = %(table_name)s
        and r.pipeline = %(pipeline)s
        and r.run_id != %(run_id)s
        and r.status = 'succeeded'
        and not r.is_backfill
        and r.full_refresh = %(full_refresh)s
        and v.reads_whole = %(reads_whole)s
        and (
            (v.extent is null and %(extent)s is null)
            or v.extent between %(extent)s * 0.8 and %(extent)s * 1.25
        )
),

ranked as (
    select
        q.rule,
        q.observed_value,
        row_number() over (partition by q.rule order by a.started_at desc, a.run_id desc) as age
    from audit.quality_results as q
    inner join alike as a on q.run_id = a.run_id
    where q.table_name = %(table_name)s and q.observed_value is not null
)

select
    r.rule,
    concat('[', group_concat(r.observed_value order by r.age separator ','), ']') as measured
from ranked as r
where r.age <= %(most_runs)s
group by r.rule;
