-- grain: the staged rows, set where their key is equal
update {{ target }} as target
inner join demo_changed_rows as changed using ({{ key }})
set {{ changes }}
