-- grain: one row per calendar day, and the members -1 (unknown) and -2 (not applicable)
create table if not exists warehouse.dim_date (
    date_key int primary key comment 'yyyymmdd',
    full_date date,
    day_of_week smallint comment 'ISO: 1 Monday to 7 Sunday',
    day_name varchar(255) not null,
    day_of_month smallint,
    day_of_year smallint,
    week_of_year smallint comment 'ISO week; belongs to iso_year, not to year',
    iso_year smallint,
    month_number smallint,
    month_name varchar(255) not null,
    quarter smallint,
    year smallint,
    is_weekend boolean,
    is_holiday boolean,
    holiday_name varchar(255),
    fiscal_year smallint,
    fiscal_quarter smallint,
    unique (full_date),
    check (date_key < 0 or full_date is not null),
    index dim_date_year_month_idx (year, month_number)
) comment 'Calendar days, ten years back and five ahead (law F7)';
insert into warehouse.dim_date (date_key, day_name, month_name)
values (-1, '(unknown)', '(unknown)'), (-2, '(not applicable)', '(not applicable)')
on duplicate key update date_key = date_key;
