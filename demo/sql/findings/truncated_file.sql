-- grain: one number: files that end too early to be read (law X11)
-- reads: audit.files
-- refresh: at the end of the demo
select count(*) as found
from audit.files as f
where f.table_name like 'drop.%' and f.status = 'quarantined' and f.reason not like '%header%'
