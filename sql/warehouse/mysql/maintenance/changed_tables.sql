-- grain: one row per table that changed since its statistics were made
-- reads: the statistics of the server, which sees changes since it was started, to the second;
-- a table of which a tenth changed it looks at by itself
select
    substr(t.table_schema, {{ prefix | length + 1 }}) as schema_name,
    t.table_name as relation
from information_schema.tables as t
inner join mysql.innodb_table_stats as s
    on t.table_schema = s.database_name and t.table_name = s.table_name
where
    t.table_schema in (
        select concat({{ prefix | literal }}, j.schema_name)
        from json_table(
            %(schemas)s, '$[*]' columns (schema_name varchar(64) path '$')
        ) as j
    )
    and t.update_time >= s.last_update
order by t.table_schema, t.table_name;
