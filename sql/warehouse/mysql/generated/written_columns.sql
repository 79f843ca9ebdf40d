-- grain: one row per column of {{ relation }} that is written, and not made by the table itself
-- reads: the catalog of the server
select column_name
from information_schema.columns
where
    table_schema = {{ (prefix ~ schema) | literal }}
    and table_name = {{ relation | literal }}
    and extra not like '%%auto_increment%%'
    and coalesce(generation_expression, '') = ''
order by ordinal_position;
