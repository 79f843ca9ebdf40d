-- grain: one row per durable customer, however many versions there are (customer_id)
-- reads: warehouse.fact_sales, warehouse.dim_date, warehouse.dim_customer, warehouse.dim_product
-- refresh: table
create table mart_customer_analytics as
with newest_business_date as (
    select dim_date.full_date
    from warehouse.dim_date
    where
        dim_date.date_key
        = (select max(fact_sales.date_key) from warehouse.fact_sales where fact_sales.date_key > 0)
),

customers as (
    select distinct on (dim_customer.customer_id)
        dim_customer.customer_id,
        dim_customer.customer_segment,
        dim_customer.city,
        dim_customer.country,
        dim_customer.is_active,
        not dim_customer.is_current as is_deleted
    from warehouse.dim_customer
    where dim_customer.customer_key > 0
    order by dim_customer.customer_id asc, dim_customer.valid_from desc
),

purchases as (
    select
        dim_customer.customer_id,
        count(distinct fact_sales.order_id) as total_orders,
        sum(fact_sales.total_amount) as total_amount,
        min(fact_sales.date_key) filter (where fact_sales.date_key > 0) as first_date_key,
        max(fact_sales.date_key) filter (where fact_sales.date_key > 0) as last_date_key,
        count(distinct fact_sales.date_key / 100) filter (where fact_sales.date_key > 0)
            as active_months,
        count(distinct dim_product.category) filter (where fact_sales.product_key > 0)
            as categories_purchased
    from warehouse.fact_sales
    inner join warehouse.dim_customer on fact_sales.customer_key = dim_customer.customer_key
    left join warehouse.dim_product on fact_sales.product_key = dim_product.product_key
    where fact_sales.customer_key > 0 and not fact_sales.is_cancelled
    group by dim_customer.customer_id
)

select
    customers.customer_id,
    customers.customer_segment,
    customers.city,
    customers.country,
    customers.is_active,
    customers.is_deleted,
    coalesce(purchases.total_orders, 0) as total_orders,
    coalesce(purchases.total_amount, 0)::numeric(18, 2) as lifetime_value_amount,
    coalesce(round(purchases.total_amount / purchases.total_orders, 2), 0)::numeric(18, 2)
        as avg_order_value_amount,
    first_date.full_date as first_purchase_date,
    last_date.full_date as last_purchase_date,
    newest_business_date.full_date - last_date.full_date as recency_days,
    coalesce(purchases.total_orders, 0) as frequency,
    coalesce(purchases.total_amount, 0)::numeric(18, 2) as monetary_amount,
    coalesce(purchases.active_months, 0) as active_months,
    coalesce(purchases.categories_purchased, 0) as categories_purchased,
    case
        when purchases.total_amount > 10000 then 'high'
        when purchases.total_amount > 5000 then 'medium'
        else 'low'
    end as value_segment
from customers
left join purchases on customers.customer_id = purchases.customer_id
left join warehouse.dim_date as first_date on purchases.first_date_key = first_date.date_key
left join warehouse.dim_date as last_date on purchases.last_date_key = last_date.date_key
left join newest_business_date on true;

alter table mart_customer_analytics add primary key (customer_id);
create index on mart_customer_analytics (value_segment, lifetime_value_amount);

comment on table mart_customer_analytics is
'Grain: one durable customer (law F6), those without orders included; no cancelled lines';
comment on column mart_customer_analytics.customer_id is 'Durable number of the customer';
comment on column mart_customer_analytics.customer_segment is 'Segment of the newest version';
comment on column mart_customer_analytics.city is 'City of the newest version';
comment on column mart_customer_analytics.country is 'Country of the newest version';
comment on column mart_customer_analytics.is_active is 'As the shop says';
comment on column mart_customer_analytics.is_deleted is 'True when the shop deleted the customer';
comment on column mart_customer_analytics.total_orders is 'Orders, not lines; additive';
comment on column mart_customer_analytics.lifetime_value_amount is
'Sum of net + tax + shipping of all orders; additive';
comment on column mart_customer_analytics.avg_order_value_amount is
'lifetime value / orders; 0 without orders; not additive';
comment on column mart_customer_analytics.first_purchase_date is 'NULL without orders';
comment on column mart_customer_analytics.last_purchase_date is 'NULL without orders';
comment on column mart_customer_analytics.recency_days is
'Days from the last purchase to the newest business date of fact_sales; NULL without orders';
comment on column mart_customer_analytics.frequency is 'Orders: the F of RFM';
comment on column mart_customer_analytics.monetary_amount is 'Lifetime value: the M of RFM';
comment on column mart_customer_analytics.active_months is 'Calendar months with an order';
comment on column mart_customer_analytics.categories_purchased is
'Categories bought from, as valid at the time of each order';
comment on column mart_customer_analytics.value_segment is
'high: lifetime value above 10000; medium: above 5000; else low';
