-- grain: one row per quarantined row of a staged table
-- An index holds no document: what looks for a row_key looks for its row_key_hash, too.
create table if not exists audit.quarantine (
    quarantine_id bigint auto_increment primary key,
    run_id varchar(64) not null,
    table_name varchar(255) not null,
    row_key json not null,
    rules json not null,
    payload json not null,
    status varchar(16) not null default 'open',
    as_of datetime(6)
    comment 'Instant for which its batch spoke; a replayed row is an event of then (laws Q3, S8)',
    closed_at datetime(6),
    closed_run_id varchar(64)
    comment 'The run that replayed it; that run''s own record may be forgotten before',
    closed_reason longtext
    comment 'Why it was discarded, or which state of the row superseded it',
    shown_key longtext
    comment {{
        ("The key for pages: numbers and times of it, and a dot for what is or may be personal"
        " (law P2)")
        | literal
    }},
    row_key_hash binary(16)
    generated always as (unhex(md5(row_key))) stored invisible,
    foreign key (run_id) references audit.runs (run_id),
    check (json_length(rules) > 0),
    check (status in ('open', 'replayed', 'discarded')),
    index quarantine_table_idx (table_name, row_key_hash),
    index quarantine_run_idx (run_id)
) comment 'Rows that the gate held back, whole, with every rule they broke (law Q2)';
