-- grain: one row per version of a customer, and the members -1 (unknown) and -2 (not applicable)
create table if not exists warehouse.dim_customer (
    customer_key bigint auto_increment primary key
    comment 'Surrogate key, stable for (customer_id, valid_from) for ever (law S15)',
    customer_id bigint,
    first_name longtext,
    last_name longtext,
    full_name longtext,
    email longtext,
    is_email_valid boolean comment 'NULL when there is no e-mail',
    phone longtext,
    phone_e164 longtext comment 'NULL when the phone is no valid number of its country',
    birth_date date,
    age_group longtext comment 'At the time of the customers last change',
    gender longtext,
    address_line1 longtext,
    address_line2 longtext,
    city longtext,
    state longtext,
    postal_code longtext,
    country longtext,
    customer_segment longtext,
    previous_customer_segment longtext,
    customer_segment_changed_at datetime(6),
    registration_date date,
    is_active boolean,
    is_inferred boolean not null default false
    comment 'Named by a fact before its source delivered it (law S17)',
    valid_from datetime(6) not null,
    valid_to datetime(6) not null
    comment 'Exclusive end in UTC; 9999-12-31 while the version is current (law S2)',
    is_current boolean
    generated always as (valid_to = timestamp '9999-12-31 00:00:00') stored,
    only_current tinyint
    generated always as (if(valid_to = timestamp '9999-12-31 00:00:00', 1, null)) stored invisible,
    inserted_run_id varchar(64),
    updated_run_id varchar(64),
    rfm_segment longtext
    comment {{
        ("By recency, frequency and money of the newest weekly scoring; NULL before the first"
        " one. See warehouse.score_customers")
        | literal
    }},
    previous_rfm_segment longtext,
    rfm_segment_changed_at datetime(6)
    comment 'End of the business date for which the scoring found the change',
    unique (customer_id, valid_from),
    check (
        customer_id is not null
        or (valid_from = timestamp '1000-01-01 00:00:00' and not is_inferred)
    ),
    check (valid_from < valid_to),
    unique index dim_customer_current_idx (customer_id, only_current),
    index dim_customer_segment_idx (customer_segment(255))
) comment {{
    ("One row per version of a customer; a move makes a version (SCD 2), names and e-mail"
    " overwrite (1), the segment keeps its previous value (3), the registration date its first"
    " (0)")
    | literal
}};
