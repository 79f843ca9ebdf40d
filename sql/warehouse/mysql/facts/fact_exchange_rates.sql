-- grain: one row per currency and day with a quotation (rate_date, currency_code) (law F1)
create table if not exists warehouse.fact_exchange_rates (
    rate_date date not null,
    currency_code varchar(255) not null
    comment 'ISO 4217 code; the euro itself is not quoted, its rate is 1',
    date_key int not null,
    rate decimal(18, 8) not null comment 'Units of the currency for one euro; not additive',
    inserted_run_id varchar(64) not null,
    updated_run_id varchar(64) not null,
    primary key (rate_date, currency_code),
    foreign key (date_key) references warehouse.dim_date (date_key),
    index fact_exchange_rates_currency_idx (currency_code, rate_date)
) comment {{
    ("Reference rates of the European Central Bank; days without a quotation have no row (law"
    " F4)")
    | literal
}};
