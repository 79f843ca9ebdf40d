-- grain: one schema per room of the warehouse; each run adds a schema of its own for staging
create schema if not exists history;
comment on schema history is
'Append-only events of each dimension; every version can be rebuilt from them (laws S1, S19)';
create schema if not exists warehouse;
comment on schema warehouse is 'Star and snowflake: dimensions and facts';
create schema if not exists marts;
comment on schema marts is 'What BI tools and reports read';
create schema if not exists audit;
comment on schema audit is
'Runs, watermarks, verdicts, quarantine: written by releases, kept apart from the data';
create schema if not exists replica;
comment on schema replica is
'Copies of source tables as they are there now, for tables that the catalog replicates';
