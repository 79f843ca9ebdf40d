-- grain: one row per table and content of a file, those held back first, the 200 newest
-- reads: audit.files, audit.runs
select
    files.path,
    files.status,
    files.row_count,
    files.byte_count,
    files.modified_at,
    runs.started_at as seen_at,
    files.reason,
    files.table_name,
    files.content_hash,
    files.run_id
from audit.files
inner join audit.runs on files.run_id = runs.run_id
order by
    (files.status = 'quarantined') desc,
    runs.started_at desc,
    files.path asc,
    files.table_name asc
limit 200;
