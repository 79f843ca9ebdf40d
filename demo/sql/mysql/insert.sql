-- grain: one row; the driver sends many in one statement
insert into {{ target }} ({{ columns }}) values ({{ places }})
