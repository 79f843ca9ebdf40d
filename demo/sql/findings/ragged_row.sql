-- grain: one number: rows of files with more fields than the header
-- reads: audit.rejected_rows
-- refresh: at the end of the demo
select count(distinct r.payload) as found
from audit.rejected_rows as r
where r.table_name like 'drop.%' and r.reason like '% fields, where %'
