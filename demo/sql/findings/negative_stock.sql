-- grain: one number: counts held back because less than nothing cannot be there
-- reads: audit.quarantine
-- refresh: at the end of the demo
select count(distinct q.row_key) as found
from audit.quarantine as q
where q.table_name like 'drop.%' and cast({{ "q.payload" | json_text("on_hand_quantity") }} as decimal(20, 4)) < 0
