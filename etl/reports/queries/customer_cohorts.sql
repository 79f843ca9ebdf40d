-- grain: one row per month of the first order and month since
-- reads: marts.mart_customer_cohorts
select
    cohort_month_start_date,
    months_since,
    is_complete,
    cohort_customer_count,
    customer_count,
    retention_pct,
    order_count,
    net_amount
from marts.mart_customer_cohorts
order by cohort_month_start_date, months_since;
