-- grain: one schema per room of the warehouse; each run adds a schema of its own for staging
-- history: append-only events of each dimension; every version can be rebuilt from them (S1, S19)
-- warehouse: star and snowflake, dimensions and facts
-- marts: what BI tools and reports read
-- audit: runs, watermarks, verdicts, quarantine; written by releases, kept apart from the data
-- replica: copies of source tables as they are there now, for tables that the catalog replicates
{%- for schema in ["history", "warehouse", "marts", "audit", "replica"] %}
create database if not exists {{ (prefix ~ schema) | ident }}
character set utf8mb4 collate {{ collation }};
-- One that was given may have another: its tables would hold keys for equal that are not.
alter database {{ (prefix ~ schema) | ident }} character set utf8mb4 collate {{ collation }};
{%- endfor %}
