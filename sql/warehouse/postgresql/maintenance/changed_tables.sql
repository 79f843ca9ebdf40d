-- grain: one row per table that changed since its statistics were made
-- reads: the statistics of the server
select
    schemaname::text as schema_name,
    relname::text as relation
from pg_stat_user_tables
where schemaname = any(%(schemas)s) and n_mod_since_analyze > 0
order by schemaname, relname;
