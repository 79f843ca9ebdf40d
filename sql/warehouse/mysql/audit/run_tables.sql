-- grain: one row per run and table it read or wrote
create table if not exists audit.run_tables (
    run_id varchar(64) not null,
    name varchar(255) not null,
    role varchar(16) not null,
    extracted bigint not null default 0,
    rejected bigint not null default 0,
    dropped bigint not null default 0
    comment {{
        ("Identical duplicates, rows that a newer one of their grain excels, lines whose order"
        " moved on while it was read, and what steps drop: rows with missing values, and all"
        " but one of those that mean the same")
        | literal
    }},
    quarantined bigint not null default 0,
    inserted bigint not null default 0,
    updated bigint not null default 0,
    expired bigint not null default 0,
    unchanged bigint not null default 0,
    removed bigint not null default 0,
    late bigint not null default 0
    comment 'Events that lie before a version known already (law S8)',
    repointed bigint not null default 0
    comment 'Fact rows that got another version of a dimension (law S8)',
    inferred bigint not null default 0,
    seconds decimal(12, 3) not null default 0,
    primary key (run_id, name),
    foreign key (run_id) references audit.runs (run_id) on delete cascade,
    check (role in ('source', 'dimension', 'fact', 'replica', 'mart'))
) comment {{
    ("Row accounting of a run; for a source, extracted = rejected + dropped + quarantined +"
    " inserted + updated + unchanged (law R3)")
    | literal
}};
