-- grain: the staged rows, set where their key is equal
update {{ target }}
set {{ changes }}
from demo_changed_rows as changed
where {{ target }}.{{ key }} = changed.{{ key }}
