-- grain: one row per file that a run in run_ids was the last to see, 200 a run
-- reads: audit.files
with seen as (
    select
        run_id,
        path,
        status,
        reason,
        row_count,
        byte_count,
        table_name,
        row_number() over (
            partition by run_id
            order by (status = 'quarantined') desc, path asc, table_name asc, content_hash asc
        ) as place
    from audit.files
    where run_id in ({{ run_ids | join(", ") }})
)

select
    run_id,
    path,
    status,
    reason,
    row_count,
    byte_count,
    table_name
from seen
where place <= 200
order by run_id, place;
