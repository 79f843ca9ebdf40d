-- grain: one number: rows of files whose quantity is no number
-- reads: audit.rejected_rows
-- refresh: at the end of the demo
select count(distinct r.payload) as found
from audit.rejected_rows as r
where r.table_name like 'drop.%' and r.column_name = 'on_hand_quantity'
