-- grain: statements that say what tables the warehouse has, in a query for all of them
-- reads: the catalog of the system
{%- set schemas = [prefix ~ "history", prefix ~ "warehouse", prefix ~ "replica"] %}

-- name: columns
select
    substr(c.table_schema, {{ prefix | length + 1 }}) as schema_name,
    c.table_name as relation,
    c.column_name,
    {{ "c" | shown }} as column_type,
    c.is_nullable = 'NO' as is_required,
    c.column_comment as description
from information_schema.columns as c
inner join information_schema.tables as t
    on c.table_schema = t.table_schema and c.table_name = t.table_name
where
    c.table_schema in ({{ schemas | map('literal') | join(', ') }})
    and t.table_type = 'BASE TABLE'
    -- What is there for an index only.
    and c.extra not like '%%INVISIBLE%%';

-- name: keys
select
    substr(s.table_schema, {{ prefix | length + 1 }}) as schema_name,
    s.table_name as relation,
    json_arrayagg(s.column_name) as columns
from information_schema.statistics as s
where
    s.table_schema in ({{ schemas | map('literal') | join(', ') }})
    and s.non_unique = 0
group by s.table_schema, s.table_name, s.index_name
having count(s.sub_part) = 0;
