-- grain: statements that say what tables the warehouse has, in a query for all of them
-- reads: the catalog of PostgreSQL

-- name: columns
select
    n.nspname::text as schema_name,
    c.relname::text as relation,
    a.attname::text as column_name,
    format_type(a.atttypid, a.atttypmod) as column_type,
    a.attnotnull as is_required,
    coalesce(col_description(c.oid, a.attnum), '') as description
from pg_namespace as n
inner join pg_class as c on n.oid = c.relnamespace
inner join pg_attribute as a on c.oid = a.attrelid
where
    n.nspname in ('history', 'warehouse', 'replica')
    and c.relkind in ('r', 'p')
    and a.attnum > 0
    and not a.attisdropped;

-- name: keys
select
    n.nspname::text as schema_name,
    c.relname::text as relation,
    array_agg(a.attname::text) as columns
from pg_namespace as n
inner join pg_class as c on n.oid = c.relnamespace
inner join pg_index as i on c.oid = i.indrelid
inner join pg_attribute as a on c.oid = a.attrelid and a.attnum = any(i.indkey)
where
    n.nspname in ('warehouse', 'replica')
    and i.indisunique
    and i.indpred is null
group by n.nspname, c.relname, i.indexrelid;
