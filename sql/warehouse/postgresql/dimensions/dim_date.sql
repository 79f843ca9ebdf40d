-- grain: one row per calendar day, and the members -1 (unknown) and -2 (not applicable)
create table if not exists warehouse.dim_date (
    date_key integer primary key,
    full_date date unique check (date_key < 0 or full_date is not null),
    day_of_week smallint,
    day_name text not null,
    day_of_month smallint,
    day_of_year smallint,
    week_of_year smallint,
    iso_year smallint,
    month_number smallint,
    month_name text not null,
    quarter smallint,
    year smallint,
    is_weekend boolean,
    is_holiday boolean,
    holiday_name text,
    fiscal_year smallint,
    fiscal_quarter smallint
);
create index if not exists dim_date_year_month_idx on warehouse.dim_date (year, month_number);
comment on table warehouse.dim_date is 'Calendar days, ten years back and five ahead (law F7)';
comment on column warehouse.dim_date.date_key is 'yyyymmdd';
comment on column warehouse.dim_date.day_of_week is 'ISO: 1 Monday to 7 Sunday';
comment on column warehouse.dim_date.week_of_year is 'ISO week; belongs to iso_year, not to year';
insert into warehouse.dim_date (date_key, day_name, month_name)
values (-1, '(unknown)', '(unknown)'), (-2, '(not applicable)', '(not applicable)')
on conflict (date_key) do nothing;
