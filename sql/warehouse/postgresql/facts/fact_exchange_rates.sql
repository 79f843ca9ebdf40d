-- grain: one row per currency and day with a quotation (rate_date, currency_code) (law F1)
create table if not exists warehouse.fact_exchange_rates (
    rate_date date not null,
    currency_code text not null,
    date_key integer not null references warehouse.dim_date (date_key),
    rate numeric(18, 8) not null,
    inserted_run_id text not null,
    updated_run_id text not null,
    primary key (rate_date, currency_code)
);
create index if not exists fact_exchange_rates_currency_idx
on warehouse.fact_exchange_rates (currency_code, rate_date);
comment on table warehouse.fact_exchange_rates is
'Reference rates of the European Central Bank; days without a quotation have no row (law F4)';
comment on column warehouse.fact_exchange_rates.currency_code is
'ISO 4217 code; the euro itself is not quoted, its rate is 1';
comment on column warehouse.fact_exchange_rates.rate is
'Units of the currency for one euro; not additive';
