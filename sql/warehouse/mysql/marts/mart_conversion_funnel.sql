-- grain: one row per business date and channel by which visits came (full_date, channel)
-- reads: warehouse.fact_web_sessions, warehouse.fact_page_views, warehouse.fact_conversions,
--     warehouse.fact_sales, warehouse.dim_date
-- refresh: table
create table mart_conversion_funnel (
    full_date date
    comment 'Business date on which the visit began; that of the purchase where none is known',
    channel varchar(700)
    comment 'Medium of the link; (direct) without one, (unknown) where the visit is not known',
    session_count bigint comment 'Visits; additive',
    product_session_count bigint comment 'Visits that looked at a product; additive',
    cart_session_count bigint comment 'Visits that looked at their cart; additive',
    checkout_session_count bigint comment 'Visits that came to the checkout; additive',
    converted_session_count bigint comment 'Visits with a purchase; additive',
    conversion_count bigint comment 'Purchases, of unknown visits too; additive',
    order_count bigint
    comment 'Orders of the shop that these purchases name, each once, not cancelled; additive',
    revenue_amount decimal(18, 2)
    comment 'What the analytics service saw, in US dollars; additive',
    order_total_amount decimal(18, 2)
    comment 'What was paid for those orders by the shop''s own books; additive',
    page_view_count bigint comment 'Pages looked at; additive',
    duration_seconds bigint comment 'Seconds of all visits that ended; additive',
    conversion_pct decimal(30, 2)
    comment 'Per cent of the visits with a purchase; NULL without a visit; not additive',
    primary key (full_date, channel)
)
comment 'Grain: one business date on which visits began and one channel; counts add up over both'
as
with steps_seen as (
    select
        session_id,
        max(page_type = 'product') as has_product,
        max(page_type = 'cart') as has_cart,
        max(page_type = 'checkout') as has_checkout,
        count(*) as page_view_count
    from warehouse.fact_page_views
    group by session_id
),

named_orders as (
    select distinct order_id
    from warehouse.fact_conversions
    where order_id is not null
),

orders as (
    select
        fact_sales.order_id,
        sum(fact_sales.total_amount) as total_amount
    from named_orders
    inner join warehouse.fact_sales on named_orders.order_id = fact_sales.order_id
    where not fact_sales.is_cancelled
    group by fact_sales.order_id
),

-- An order belongs to the first purchase that names it, so that no order counts twice.
purchases as (
    select
        fact_conversions.session_id,
        fact_conversions.date_key,
        fact_conversions.revenue_usd_amount,
        row_number() over (
            partition by fact_conversions.order_id
            order by fact_conversions.converted_at, fact_conversions.conversion_id
        ) = 1 as is_first_of_order,
        orders.order_id as matched_order_id,
        orders.total_amount as matched_amount
    from warehouse.fact_conversions
    left join orders on fact_conversions.order_id = orders.order_id
),

purchase_totals as (
    select
        session_id,
        min(date_key) as date_key,
        count(*) as conversion_count,
        count(case when is_first_of_order then matched_order_id end) as order_count,
        sum(revenue_usd_amount) as revenue_amount,
        sum(case when is_first_of_order then matched_amount end) as order_total_amount
    from purchases
    group by session_id
),

-- Up to three rows per visit, one of each fact, each with NULL where another one tells, so that
-- they are put together by grouping: the number of a visit is too long for a key of MariaDB's
-- derived tables, and joins would look through all rows.
tellings as (
    select
        session_id,
        date_key as visit_date_key,
        coalesce(utm_medium, '(direct)') as channel,
        duration_seconds,
        null as purchase_date_key,
        null as conversion_count,
        null as order_count,
        null as revenue_amount,
        null as order_total_amount,
        null as has_product,
        null as has_cart,
        null as has_checkout,
        null as page_view_count
    from warehouse.fact_web_sessions
    union all
    select
        session_id,
        null as visit_date_key,
        null as channel,
        null as duration_seconds,
        date_key as purchase_date_key,
        conversion_count,
        order_count,
        revenue_amount,
        order_total_amount,
        null as has_product,
        null as has_cart,
        null as has_checkout,
        null as page_view_count
    from purchase_totals
    union all
    select
        session_id,
        null as visit_date_key,
        null as channel,
        null as duration_seconds,
        null as purchase_date_key,
        null as conversion_count,
        null as order_count,
        null as revenue_amount,
        null as order_total_amount,
        has_product,
        has_cart,
        has_checkout,
        page_view_count
    from steps_seen
),

-- A purchase whose visit is not known keeps its revenue, on its own day, in a channel of its own.
journeys as (
    select
        max(visit_date_key) is not null as is_known,
        coalesce(max(visit_date_key), max(purchase_date_key)) as date_key,
        coalesce(max(channel), '(unknown)') as channel,
        max(duration_seconds) as duration_seconds,
        max(conversion_count) as conversion_count,
        max(order_count) as order_count,
        max(revenue_amount) as revenue_amount,
        max(order_total_amount) as order_total_amount,
        max(has_product) as has_product,
        max(has_cart) as has_cart,
        max(has_checkout) as has_checkout,
        max(page_view_count) as page_view_count
    from tellings
    group by session_id
)

select
    dim_date.full_date,
    journeys.channel,
    count(case when journeys.is_known then 1 end) as session_count,
    count(case when journeys.is_known and journeys.has_product then 1 end)
        as product_session_count,
    count(case when journeys.is_known and journeys.has_cart then 1 end) as cart_session_count,
    count(case when journeys.is_known and journeys.has_checkout then 1 end)
        as checkout_session_count,
    count(case when journeys.is_known and journeys.conversion_count > 0 then 1 end)
        as converted_session_count,
    coalesce(sum(journeys.conversion_count), 0) as conversion_count,
    coalesce(sum(journeys.order_count), 0) as order_count,
    coalesce(sum(journeys.revenue_amount), 0) as revenue_amount,
    coalesce(sum(journeys.order_total_amount), 0) as order_total_amount,
    coalesce(sum(journeys.page_view_count), 0) as page_view_count,
    coalesce(sum(journeys.duration_seconds), 0) as duration_seconds,
    round(
        100.0 * count(case when journeys.is_known and journeys.conversion_count > 0 then 1 end)
        / nullif(count(case when journeys.is_known then 1 end), 0), 2
    ) as conversion_pct
from journeys
inner join warehouse.dim_date on journeys.date_key = dim_date.date_key
where journeys.date_key > 0
group by dim_date.full_date, journeys.channel;
