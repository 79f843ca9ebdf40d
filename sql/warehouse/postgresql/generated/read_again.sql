-- grain: statements that let tables be read from the beginning,
-- because what they fill was made anew (law X7)

-- name: forget_watermarks
delete from audit.watermarks where table_name = any(%(tables)s);

-- name: forget_files
delete from audit.files where table_name = any(%(tables)s);
