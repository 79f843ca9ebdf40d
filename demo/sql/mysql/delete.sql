-- grain: the rows whose keys are staged
delete target
from {{ target }} as target
inner join demo_changed_rows as gone using ({{ key }})
