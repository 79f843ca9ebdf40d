-- grain: one row per table and content of a file that a release saw (law X11)
create table if not exists audit.files (
    table_name varchar(255) not null,
    content_hash varchar(512) not null
    comment {{
        ("SHA-256 of the bytes as they lie in the folder; of a file that cannot be read,"
        " unread: and its path")
        | literal
    }},
    path longtext not null,
    byte_count bigint not null,
    modified_at datetime(6),
    row_count bigint not null comment 'Rows in the file, rejected ones included',
    status varchar(16) not null
    comment {{
        ("quarantined files are tried again in each run; gone = a quarantined content that was"
        " mended or removed")
        | literal
    }},
    reason longtext,
    run_id varchar(64) not null,
    primary key (table_name, content_hash),
    foreign key (run_id) references audit.runs (run_id),
    check (status in ('loaded', 'quarantined', 'gone')),
    check ((status = 'loaded') = (reason is null))
) comment {{
    ("Ledger of files: each content is loaded exactly once, also under another name (law X11)")
    | literal
}};
