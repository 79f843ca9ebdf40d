-- grain: statements that let tables be read from the beginning,
-- because what they fill was made anew (law X7)

-- name: forget_watermarks
delete from audit.watermarks
where
    table_name in (
        select j.table_name
        from
            json_table(%(tables)s, '$[*]' columns (table_name varchar(255) path '$')) as j
    );

-- name: forget_files
delete from audit.files
where
    table_name in (
        select j.table_name
        from
            json_table(%(tables)s, '$[*]' columns (table_name varchar(255) path '$')) as j
    );
