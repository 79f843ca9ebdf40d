-- grain: one row per purchase that the analytics service saw (conversion_id) (law F1)
create table if not exists warehouse.fact_conversions (
    conversion_id varchar(255) primary key,
    session_id varchar(255) not null comment 'Visit, as in fact_web_sessions',
    order_id bigint comment 'Order of the shop, as in fact_sales',
    date_key int not null comment 'Business date of the purchase',
    converted_at datetime(6) not null,
    revenue_amount decimal(14, 2) not null
    comment 'In currency_code, as the service told it; additive within one currency only',
    currency_code varchar(255) not null,
    exchange_rate decimal(18, 8) not null
    comment {{
        ("US dollars for one unit of the currency on the day, carried forward (law F4); not"
        " additive")
        | literal
    }},
    revenue_usd_amount decimal(14, 2) not null comment 'In US dollars; additive',
    updated_at datetime(6) not null,
    inserted_run_id varchar(64) not null,
    updated_run_id varchar(64) not null,
    foreign key (date_key) references warehouse.dim_date (date_key),
    index fact_conversions_session_idx (session_id),
    index fact_conversions_order_idx (order_id),
    index fact_conversions_date_idx (date_key)
) comment {{
    ("One row per purchase at the end of a visit, in the latest state that the analytics"
    " service told")
    | literal
}};
