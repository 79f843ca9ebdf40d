-- grain: an empty temporary table for rows of one table, or for some columns of them
create temporary table demo_changed_rows as
select {{ columns }}
from {{ target }}
with no data
