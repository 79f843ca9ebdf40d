-- grain: one row per column of {{ relation }} that is written, and not made by the table itself
-- reads: the catalog of the server
select column_name::text as column_name
from information_schema.columns
where
    table_schema = {{ schema | literal }}
    and table_name = {{ relation | literal }}
    and is_identity = 'NO'
    and is_generated = 'NEVER'
order by ordinal_position;
