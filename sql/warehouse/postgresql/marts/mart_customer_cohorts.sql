-- grain: one row per month of the first order and month since
--     (cohort_month_start_date, months_since)
-- reads: warehouse.fact_sales, warehouse.dim_customer, warehouse.dim_date
-- refresh: table
create table mart_customer_cohorts as
with newest_business_date as (
    select
        dim_date.full_date,
        make_date(dim_date.year, dim_date.month_number, 1) as month_start_date
    from warehouse.dim_date
    where
        dim_date.date_key
        = (select max(fact_sales.date_key) from warehouse.fact_sales where fact_sales.date_key > 0)
),

customer_months as (
    select
        dim_customer.customer_id,
        make_date(dim_date.year, dim_date.month_number, 1) as month_start_date,
        count(distinct fact_sales.order_id) as order_count,
        sum(fact_sales.net_amount) as net_amount
    from warehouse.fact_sales
    inner join warehouse.dim_customer on fact_sales.customer_key = dim_customer.customer_key
    inner join warehouse.dim_date on fact_sales.date_key = dim_date.date_key
    where
        fact_sales.customer_key > 0
        and fact_sales.date_key > 0
        and not fact_sales.is_cancelled
    group by
        dim_customer.customer_id,
        make_date(dim_date.year, dim_date.month_number, 1)
),

placed as (
    select
        customer_months.customer_id,
        customer_months.order_count,
        customer_months.net_amount,
        customer_months.month_start_date,
        min(customer_months.month_start_date) over (partition by customer_months.customer_id)
            as cohort_month_start_date
    from customer_months
),

cohorts as (
    select
        cohort_month_start_date,
        count(*) as cohort_customer_count
    from placed
    where month_start_date = cohort_month_start_date
    group by cohort_month_start_date
),

-- Months in which nobody of a cohort came back have a row of zeros: a heat map has no holes.
calendar as (
    select
        cohorts.cohort_month_start_date,
        cohorts.cohort_customer_count,
        months.month_start::date as month_start_date,
        newest_business_date.full_date as newest_date
    from cohorts
    cross join newest_business_date
    cross join lateral generate_series(
        cohorts.cohort_month_start_date::timestamp,
        newest_business_date.month_start_date::timestamp,
        interval '1 month'
    ) as months (month_start)
),

activity as (
    select
        cohort_month_start_date,
        month_start_date,
        count(*) as customer_count,
        sum(order_count) as order_count,
        sum(net_amount) as net_amount
    from placed
    group by cohort_month_start_date, month_start_date
)

select
    calendar.cohort_month_start_date,
    row_number() over (
        partition by calendar.cohort_month_start_date order by calendar.month_start_date
    )::integer - 1 as months_since,
    calendar.month_start_date,
    calendar.newest_date >= (calendar.month_start_date + interval '1 month')::date - 1
        as is_complete,
    calendar.cohort_customer_count,
    coalesce(activity.customer_count, 0) as customer_count,
    round(100.0 * coalesce(activity.customer_count, 0) / calendar.cohort_customer_count, 2)
        as retention_pct,
    coalesce(activity.order_count, 0)::bigint as order_count,
    coalesce(activity.net_amount, 0)::numeric(18, 2) as net_amount
from calendar
left join activity
    on
        calendar.cohort_month_start_date = activity.cohort_month_start_date
        and calendar.month_start_date = activity.month_start_date;

alter table mart_customer_cohorts add primary key (cohort_month_start_date, months_since);

comment on table mart_customer_cohorts is
'Grain: one month of the first order and one month since, up to that of the newest business date;'
' durable customers (law F6), cancelled lines and guests left out';
comment on column mart_customer_cohorts.cohort_month_start_date is
'First day of the month in which these customers ordered first';
comment on column mart_customer_cohorts.months_since is
'Months from that month to this one; 0 is the month of the first order';
comment on column mart_customer_cohorts.month_start_date is 'First day of this month';
comment on column mart_customer_cohorts.is_complete is
'False for the month that the newest business date has not ended yet';
comment on column mart_customer_cohorts.cohort_customer_count is
'Customers of the cohort; additive over cohorts, not over months';
comment on column mart_customer_cohorts.customer_count is
'Customers of the cohort who ordered in this month; additive over cohorts, not over months';
comment on column mart_customer_cohorts.retention_pct is
'Per cent of the cohort who ordered in this month; not additive';
comment on column mart_customer_cohorts.order_count is 'Orders, not lines; additive';
comment on column mart_customer_cohorts.net_amount is 'gross - discount; additive';
