-- grain: one row per table that a run in run_ids was to read
-- reads: audit.windows
select
    run_id,
    table_name,
    coalesce(low, 'the beginning') as low,
    coalesce(high, 'the end') as high,
    as_of,
    case when compares_keys then 'yes' else 'no' end as compares_keys,
    case when moves_watermark then 'yes' else 'no' end as moves_watermark
from audit.windows
where run_id in ({{ run_ids | join(", ") }})
order by run_id, table_name;
