-- The roles of the warehouse (law P3), with no more than each needs; docs/operations.md says which URL takes which.
-- Run it in the warehouse's database as a superuser: before the first run, and again after it and after each upgrade.
-- It can be run at any time; passwords are set apart from it, in psql: \password etl_publish
do $$
declare
    wanted text;
begin
    foreach wanted in array array['etl_load', 'etl_publish', 'etl_report'] loop
        if not exists (select from pg_roles where rolname = wanted) then
            execute format('create role %I login', wanted);
        end if;
    end loop;
end
$$;

-- What etl_load stages, etl_publish merges and sweeps: it takes part in what etl_load owns.
grant etl_load to etl_publish;

do $$
begin
    execute format('grant connect on database %I to etl_load, etl_publish, etl_report', current_database());
    -- One staging schema per run, and marts__new while marts are built.
    execute format('grant create, temporary on database %I to etl_load', current_database());
end
$$;

-- etl_publish owns what releases and migrations change, also in a warehouse that another role made.
create schema if not exists history;
create schema if not exists warehouse;
create schema if not exists marts;
create schema if not exists audit;
create schema if not exists replica;
alter schema history owner to etl_publish;
alter schema warehouse owner to etl_publish;
alter schema marts owner to etl_publish;
alter schema audit owner to etl_publish;
alter schema replica owner to etl_publish;
do $$
declare
    found record;
begin
    for found in
        select
            n.nspname,
            c.relname,
            case c.relkind when 'v' then 'view' else 'table' end as kind
        from pg_class as c
        inner join pg_namespace as n on c.relnamespace = n.oid
        where n.nspname in ('history', 'warehouse', 'replica', 'marts', 'audit') and c.relkind in ('r', 'p', 'v')
    loop
        execute format('alter %s %I.%I owner to etl_publish', found.kind, found.nspname, found.relname);
    end loop;
    for found in
        select p.oid::regprocedure as name
        from pg_proc as p
        where p.pronamespace::regnamespace::text in ('warehouse', 'marts')
    loop
        execute format('alter function %s owner to etl_publish', found.name);
    end loop;
end
$$;

-- etl_load looks up what is known already, and records that a run began and how it failed.
grant usage on schema history, warehouse, replica, audit to etl_load;
grant select on all tables in schema history, warehouse, replica, audit to etl_load;
alter default privileges for role etl_publish in schema history grant select on tables to etl_load;
alter default privileges for role etl_publish in schema warehouse grant select on tables to etl_load;
alter default privileges for role etl_publish in schema replica grant select on tables to etl_load;
alter default privileges for role etl_publish in schema audit grant select on tables to etl_load;
do $$
begin
    if to_regclass('audit.runs') is not null then
        grant insert, update on audit.runs to etl_load;
        grant insert on
            audit.quality_results, audit.verdicts, audit.windows, audit.source_drifts, audit.transformations,
            audit.profiles, audit.profile_drifts
        to etl_load;
        -- Reports count what waits in quarantine; the rows themselves, with personal data, they do not see.
        grant select on
            audit.runs, audit.run_tables, audit.quality_results, audit.verdicts, audit.windows, audit.files,
            audit.watermarks, audit.transformations, audit.source_drifts, audit.profiles, audit.profile_drifts,
            audit.reconciliations, audit.reconciled_ranges, audit.incidents, audit.alerts
        to etl_report;
        grant select (
            quarantine_id, run_id, table_name, rules, status, as_of, closed_at, closed_run_id, shown_key
        ) on audit.quarantine to etl_report;
    end if;
end
$$;

-- etl_report reads marts and how runs went. For the star or for copies of source tables as well, which may hold
-- personal data: grant usage and select on schema warehouse or replica.
grant usage on schema marts, audit to etl_report;
grant select on all tables in schema marts to etl_report;
alter default privileges for role etl_publish in schema marts grant select on tables to etl_report;
alter role etl_report set default_transaction_read_only = on;
