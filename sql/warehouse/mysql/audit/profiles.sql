-- grain: one row per run, staged table and column
create table if not exists audit.profiles (
    run_id varchar(64) not null,
    table_name varchar(255) not null,
    column_name varchar(255) not null,
    position int not null,
    data_type varchar(255) not null,
    is_personal boolean not null
    comment 'Declared so in the catalog, or with values that look like e-mail addresses',
    is_whole boolean not null
    comment 'The run read the table from its beginning, and not what changed since the run before',
    row_count bigint not null,
    sampled_count bigint not null
    comment 'Rows that were looked at; fewer than row_count where the table is large',
    null_count bigint not null,
    distinct_count bigint,
    is_key_candidate boolean not null,
    lowest longtext,
    highest longtext,
    mean decimal(65, 6),
    deviation decimal(65, 6) comment 'Standard deviation of the values of a number',
    quantiles json
    comment {{
        ("Values at 0.05, 0.25, 0.5, 0.75 and 0.95 of the rows that have one; of numbers and"
        " times")
        | literal
    }},
    shortest int comment 'Characters of the shortest text',
    longest int,
    form varchar(255) comment 'What every value looks like, such as digits; of texts',
    top_values json
    comment {{
        ("Array of {\"value\": text, \"count\": number}, the most frequent first; all values where"
        " they are few, else those that repeat")
        | literal
    }},
    patterns json
    comment {{
        ("Array of {\"pattern\": text, \"count\": number}; A = letter, 9 = digit; NULL where there"
        " are too many to say something")
        | literal
    }},
    primary key (run_id, table_name, column_name),
    foreign key (run_id) references audit.runs (run_id) on delete cascade
) comment {{
    ("What the staged rows of each run looked like; values of personal columns are not kept"
    " (law P2)")
    | literal
}};
