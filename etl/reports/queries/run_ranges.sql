-- grain: one row per range in which a run in run_ids found source and warehouse to differ, 100 a run
-- reads: audit.reconciled_ranges
with differing as (
    select
        *,
        row_number() over (partition by run_id order by table_name, range_number) as place
    from audit.reconciled_ranges
    where
        run_id in ({{ run_ids | join(", ") }})
        and (
            missing + extra + changed > 0
            or source_count != target_count
            or source_hash != target_hash
            or source_sums != target_sums
        )
)

select
    run_id,
    table_name,
    range_number,
    low,
    high,
    source_count,
    target_count,
    missing,
    extra,
    changed
from differing
where place <= 100
order by run_id, table_name, range_number;
