-- grain: one row per run, column and way in which its profile left the one before
create table if not exists audit.profile_drifts (
    run_id text not null references audit.runs (run_id) on delete cascade,
    table_name text not null,
    column_name text not null,
    drift text not null,
    before text,
    after text,
    primary key (run_id, table_name, column_name, drift)
);
comment on table audit.profile_drifts is
'How the profile of a column differs from that of the run before';
comment on column audit.profile_drifts.drift is
'What moved, such as null_share, distinct_share, quantiles, top_values, type;'
' not_profiled, of no column, where the profile failed';
