-- grain: one row per visit to the web shop (session_id), in its latest state (law F1)
create table if not exists warehouse.fact_web_sessions (
    session_id varchar(255) primary key,
    customer_id bigint
    comment 'Durable number of the customer; NULL for a visitor who did not log in',
    date_key int not null comment 'Business date on which the visit began',
    customer_key bigint not null
    comment 'Version of the customer when the visit began; -1 for a visitor who did not log in',
    started_at datetime(6) not null,
    ended_at datetime(6) comment 'NULL while the visit goes on',
    duration_seconds int
    comment 'Seconds from start to end; NULL while the visit goes on; additive',
    device_type longtext,
    browser longtext,
    utm_source longtext,
    utm_medium longtext
    comment 'Kind of the link that led here; NULL for a visitor who typed the address',
    utm_campaign longtext,
    country longtext comment 'ISO 3166 code of two letters',
    landing_page longtext,
    updated_at datetime(6) not null comment 'When the analytics service changed the visit last',
    inserted_run_id varchar(64) not null,
    updated_run_id varchar(64) not null,
    foreign key (date_key) references warehouse.dim_date (date_key),
    foreign key (customer_key) references warehouse.dim_customer (customer_key),
    index fact_web_sessions_date_idx (date_key),
    index fact_web_sessions_customer_idx (customer_key)
) comment {{
    ("One row per visit to the web shop, in the latest state that the analytics service told")
    | literal
}};
