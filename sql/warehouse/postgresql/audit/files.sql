-- grain: one row per table and content of a file that a release saw (law X11)
create table if not exists audit.files (
    table_name text not null,
    content_hash text not null,
    path text not null,
    byte_count bigint not null,
    modified_at timestamptz,
    row_count bigint not null,
    status text not null check (status in ('loaded', 'quarantined', 'gone')),
    reason text,
    run_id text not null references audit.runs (run_id),
    primary key (table_name, content_hash),
    check ((status = 'loaded') = (reason is null))
);
comment on table audit.files is
'Ledger of files: each content is loaded exactly once, also under another name (law X11)';
comment on column audit.files.content_hash is 'SHA-256 of the bytes as they lie in the folder;'
' of a file that cannot be read, unread: and its path';
comment on column audit.files.row_count is 'Rows in the file, rejected ones included';
comment on column audit.files.status is
'quarantined files are tried again in each run;'
' gone = a quarantined content that was mended or removed';
