-- grain: one row per customer and scoring (customer_id, scored_at) (law F1)
create table if not exists warehouse.fact_customer_scores (
    customer_id bigint not null,
    scored_at datetime(6) not null
    comment 'End of the business date up to which orders count, exclusive',
    date_key int not null
    comment 'Business date on which scored_at lies: the day after the last one that counts',
    customer_key bigint not null comment 'Version of the customer at the time of the scoring',
    recency_days int not null
    comment 'Whole days from the last order to the scoring; not additive',
    order_count int not null
    comment {{
        ("Orders since ever, cancelled ones left out; additive over customers, not over scorings")
        | literal
    }},
    net_amount decimal(18, 2) not null
    comment 'gross - discount of these orders; additive over customers, not over scorings',
    recency_score smallint not null
    comment 'Fifth of all scored customers, 5 = ordered most recently; not additive',
    frequency_score smallint not null
    comment 'Fifth of all scored customers, 5 = most orders; not additive',
    monetary_score smallint not null
    comment 'Fifth of all scored customers, 5 = highest net amount; not additive',
    rfm_segment varchar(255) not null
    comment 'Champions, Loyal, Potential, New, At risk or Lost',
    inserted_run_id varchar(64) not null,
    updated_run_id varchar(64) not null,
    primary key (customer_id, scored_at),
    foreign key (date_key) references warehouse.dim_date (date_key),
    foreign key (customer_key) references warehouse.dim_customer (customer_key),
    check (recency_score between 1 and 5),
    check (frequency_score between 1 and 5),
    check (monetary_score between 1 and 5),
    index fact_customer_scores_scored_at_idx (scored_at),
    index fact_customer_scores_customer_idx (customer_key)
) comment {{
    ("One row per customer with an order and weekly scoring; warehouse.score_customers makes"
    " them")
    | literal
}};
