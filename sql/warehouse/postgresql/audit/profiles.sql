-- grain: one row per run, staged table and column
create table if not exists audit.profiles (
    run_id text not null references audit.runs (run_id) on delete cascade,
    table_name text not null,
    column_name text not null,
    position integer not null,
    data_type text not null,
    is_personal boolean not null,
    is_whole boolean not null,
    row_count bigint not null,
    sampled_count bigint not null,
    null_count bigint not null,
    distinct_count bigint,
    is_key_candidate boolean not null,
    lowest text,
    highest text,
    mean numeric,
    deviation numeric,
    quantiles text[],
    shortest integer,
    longest integer,
    form text,
    top_values jsonb,
    patterns jsonb,
    primary key (run_id, table_name, column_name)
);
comment on table audit.profiles is
'What the staged rows of each run looked like; values of personal columns are not kept (law P2)';
comment on column audit.profiles.is_personal is
'Declared so in the catalog, or with values that look like e-mail addresses';
comment on column audit.profiles.is_whole is
'The run read the table from its beginning, and not what changed since the run before';
comment on column audit.profiles.sampled_count is
'Rows that were looked at; fewer than row_count where the table is large';
comment on column audit.profiles.deviation is
'Standard deviation of the values of a number';
comment on column audit.profiles.shortest is 'Characters of the shortest text';
comment on column audit.profiles.form is
'What every value looks like, such as digits; of texts';
comment on column audit.profiles.quantiles is
'Values at 0.05, 0.25, 0.5, 0.75 and 0.95 of the rows that have one; of numbers and times';
comment on column audit.profiles.top_values is
'Array of {"value": text, "count": number}, the most frequent first;'
' all values where they are few, else those that repeat';
comment on column audit.profiles.patterns is
'Array of {"pattern": text, "count": number}; A = letter, 9 = digit;'
' NULL where there are too many to say something';
