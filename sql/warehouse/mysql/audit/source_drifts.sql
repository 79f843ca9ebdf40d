-- grain: one row per run, table and way in which the source differs from the catalog
-- An index holds no long text: drifts are told apart by their hash.
create table if not exists audit.source_drifts (
    run_id varchar(64) not null,
    table_name varchar(255) not null,
    drift longtext not null,
    drift_hash binary(32)
    generated always as (unhex(sha2(drift, 256))) stored invisible,
    unique (run_id, table_name, drift_hash),
    foreign key (run_id) references audit.runs (run_id) on delete cascade
) comment 'Drifts that the table''s policy let pass (law X12)';
