-- grain: one row per table, from its newest release, beside the median of the 30 before
-- reads: audit.run_tables, audit.runs, audit.verdicts, audit.profile_drifts
with released as (
    select
        run_tables.run_id,
        run_tables.name,
        run_tables.role,
        run_tables.extracted,
        run_tables.inserted
        + run_tables.updated
        + run_tables.expired
        + run_tables.removed as written,
        run_tables.rejected,
        run_tables.quarantined,
        run_tables.seconds,
        runs.pipeline,
        runs.started_at,
        row_number() over (
            partition by run_tables.name
            order by runs.started_at desc, runs.run_id desc
        ) as age
    from audit.run_tables
    inner join audit.runs on run_tables.run_id = runs.run_id
    where runs.status = 'succeeded' and not runs.is_backfill
),

earlier as (
    select
        name,
        extracted,
        written,
        seconds,
        row_number() over (partition by name order by extracted) as extracted_place,
        row_number() over (partition by name order by written) as written_place,
        row_number() over (partition by name order by seconds) as seconds_place
    from released
    where age between 2 and 31
),

counts as (
    select
        name,
        count(*) as release_count
    from earlier
    group by name
),

-- Medians: the one in the middle, or the mean of the two.
middle as (
    select
        earlier.name,
        case
            when 2 * earlier.extracted_place between counts.release_count and counts.release_count + 2
                then earlier.extracted
        end as extracted,
        case
            when 2 * earlier.written_place between counts.release_count and counts.release_count + 2
                then earlier.written
        end as written,
        case
            when 2 * earlier.seconds_place between counts.release_count and counts.release_count + 2
                then earlier.seconds
        end as seconds
    from earlier
    inner join counts on earlier.name = counts.name
),

usual as (
    select
        name,
        cast(avg(extracted) as decimal(20, 1)) as usual_extracted,
        cast(avg(written) as decimal(20, 1)) as usual_written,
        cast(avg(seconds) as decimal(12, 1)) as usual_seconds
    from middle
    group by name
),

drifts as (
    select
        run_id,
        table_name,
        count(*) as drift_count
    from audit.profile_drifts
    group by run_id, table_name
)

select
    released.name,
    released.role,
    case when released.role = 'source' then released.extracted end as extracted,
    case when released.role = 'source' then usual.usual_extracted end as usual_extracted,
    released.written,
    usual.usual_written,
    released.seconds,
    usual.usual_seconds,
    case when released.role = 'source' then released.rejected end as rejected,
    case when released.role = 'source' then released.quarantined end as quarantined,
    verdicts.score_pct,
    drifts.drift_count,
    verdicts.docs_page,
    released.pipeline,
    released.started_at,
    released.run_id
from released
left join usual on released.name = usual.name
left join audit.verdicts
    on released.run_id = verdicts.run_id and released.name = verdicts.table_name
left join drifts on released.run_id = drifts.run_id and released.name = drifts.table_name
where released.age = 1
order by
    case released.role
        when 'source' then 1
        when 'dimension' then 2
        when 'fact' then 3
        when 'replica' then 4
        else 5
    end,
    released.name;
