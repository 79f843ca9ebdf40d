-- grain: one number: files that came without their header (law X11)
-- reads: audit.files
-- refresh: at the end of the demo
select count(*) as found
from audit.files as f
where f.table_name like 'drop.%' and f.status = 'quarantined' and f.reason like '%header%'
