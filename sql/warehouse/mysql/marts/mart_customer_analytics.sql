-- grain: one row per durable customer, however many versions there are (customer_id)
-- reads: warehouse.fact_sales, warehouse.dim_date, warehouse.dim_customer, warehouse.dim_product
-- refresh: table
create table mart_customer_analytics (
    customer_id bigint primary key comment 'Durable number of the customer',
    customer_segment longtext comment 'Segment of the newest version',
    city longtext comment 'City of the newest version',
    country longtext comment 'Country of the newest version',
    is_active boolean comment 'As the shop says',
    is_deleted boolean comment 'True when the shop deleted the customer',
    total_orders bigint comment 'Orders, not lines; additive',
    lifetime_value_amount decimal(18, 2)
    comment 'Sum of net + tax + shipping of all orders; additive',
    avg_order_value_amount decimal(18, 2)
    comment 'lifetime value / orders; 0 without orders; not additive',
    first_purchase_date date comment 'NULL without orders',
    last_purchase_date date comment 'NULL without orders',
    recency_days int
    comment 'Days from the last purchase to the newest business date; NULL without orders',
    frequency bigint comment 'Orders: the F of RFM',
    monetary_amount decimal(18, 2) comment 'Lifetime value: the M of RFM',
    active_months bigint comment 'Calendar months with an order',
    categories_purchased bigint
    comment 'Categories bought from, as valid at the time of each order',
    value_segment varchar(6)
    comment 'high: lifetime value above 10000; medium: above 5000; else low',
    index value_idx (value_segment, lifetime_value_amount)
)
comment 'Grain: one durable customer (law F6), those without orders included; no cancelled lines'
as
with newest_business_date as (
    select dim_date.full_date
    from warehouse.dim_date
    where
        dim_date.date_key
        = (select max(fact_sales.date_key) from warehouse.fact_sales where fact_sales.date_key > 0)
),

newest_versions as (
    select
        customer_id,
        max(valid_from) as valid_from
    from warehouse.dim_customer
    where customer_id is not null
    group by customer_id
),

customers as (
    select
        dim_customer.customer_id,
        dim_customer.customer_segment,
        dim_customer.city,
        dim_customer.country,
        dim_customer.is_active,
        not dim_customer.is_current as is_deleted
    from newest_versions
    inner join warehouse.dim_customer
        on
            newest_versions.customer_id = dim_customer.customer_id
            and newest_versions.valid_from = dim_customer.valid_from
),

-- Numbers are told apart faster than texts.
categories as (
    select
        product_key,
        dense_rank() over (order by category) as category_number
    from warehouse.dim_product
    where product_key > 0 and category is not null
),

purchases as (
    select
        dim_customer.customer_id,
        count(distinct fact_sales.order_id) as total_orders,
        sum(fact_sales.total_amount) as total_amount,
        min(case when fact_sales.date_key > 0 then fact_sales.date_key end) as first_date_key,
        max(case when fact_sales.date_key > 0 then fact_sales.date_key end) as last_date_key,
        count(distinct case when fact_sales.date_key > 0 then fact_sales.date_key div 100 end)
            as active_months,
        count(distinct categories.category_number) as categories_purchased
    from warehouse.fact_sales
    inner join warehouse.dim_customer on fact_sales.customer_key = dim_customer.customer_key
    left join categories on fact_sales.product_key = categories.product_key
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
    coalesce(purchases.total_amount, 0) as lifetime_value_amount,
    coalesce(round(purchases.total_amount / purchases.total_orders, 2), 0)
        as avg_order_value_amount,
    first_date.full_date as first_purchase_date,
    last_date.full_date as last_purchase_date,
    datediff(newest_business_date.full_date, last_date.full_date) as recency_days,
    coalesce(purchases.total_orders, 0) as frequency,
    coalesce(purchases.total_amount, 0) as monetary_amount,
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
