-- grain: one row per business date and channel by which visits came (full_date, channel)
-- reads: warehouse.fact_web_sessions, warehouse.fact_page_views, warehouse.fact_conversions,
--     warehouse.fact_sales, warehouse.dim_date
-- refresh: table
create table mart_conversion_funnel as
with steps_seen as (
    select
        session_id,
        bool_or(page_type = 'product') as has_product,
        bool_or(page_type = 'cart') as has_cart,
        bool_or(page_type = 'checkout') as has_checkout,
        count(*) as page_view_count
    from warehouse.fact_page_views
    group by session_id
),

orders as (
    select
        order_id,
        sum(total_amount) as total_amount
    from warehouse.fact_sales
    where not is_cancelled
    group by order_id
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
        count(matched_order_id) filter (where is_first_of_order) as order_count,
        sum(revenue_usd_amount) as revenue_amount,
        sum(matched_amount) filter (where is_first_of_order) as order_total_amount
    from purchases
    group by session_id
),

visits as (
    select
        fact_web_sessions.session_id,
        fact_web_sessions.date_key,
        fact_web_sessions.duration_seconds,
        coalesce(fact_web_sessions.utm_medium, '(direct)') as channel,
        true as is_known
    from warehouse.fact_web_sessions
),

-- A purchase whose visit is not known keeps its revenue, on its own day, in a channel of its own.
journeys as (
    select
        visits.is_known is true as is_known,
        steps_seen.has_product,
        steps_seen.has_cart,
        steps_seen.has_checkout,
        steps_seen.page_view_count,
        visits.duration_seconds,
        purchase_totals.conversion_count,
        purchase_totals.order_count,
        purchase_totals.revenue_amount,
        purchase_totals.order_total_amount,
        coalesce(visits.date_key, purchase_totals.date_key) as date_key,
        coalesce(visits.channel, '(unknown)') as channel
    from visits
    full join purchase_totals on visits.session_id = purchase_totals.session_id
    left join steps_seen on visits.session_id = steps_seen.session_id
)

select
    dim_date.full_date,
    journeys.channel,
    count(*) filter (where journeys.is_known) as session_count,
    count(*) filter (where journeys.is_known and journeys.has_product) as product_session_count,
    count(*) filter (where journeys.is_known and journeys.has_cart) as cart_session_count,
    count(*) filter (where journeys.is_known and journeys.has_checkout) as checkout_session_count,
    count(*) filter (where journeys.is_known and journeys.conversion_count > 0)
        as converted_session_count,
    coalesce(sum(journeys.conversion_count), 0)::bigint as conversion_count,
    coalesce(sum(journeys.order_count), 0)::bigint as order_count,
    coalesce(sum(journeys.revenue_amount), 0)::numeric(18, 2) as revenue_amount,
    coalesce(sum(journeys.order_total_amount), 0)::numeric(18, 2) as order_total_amount,
    coalesce(sum(journeys.page_view_count), 0)::bigint as page_view_count,
    coalesce(sum(journeys.duration_seconds), 0)::bigint as duration_seconds,
    round(
        100.0 * count(*) filter (where journeys.is_known and journeys.conversion_count > 0)
        / nullif(count(*) filter (where journeys.is_known), 0), 2
    ) as conversion_pct
from journeys
inner join warehouse.dim_date on journeys.date_key = dim_date.date_key
where journeys.date_key > 0
group by dim_date.full_date, journeys.channel;

alter table mart_conversion_funnel add primary key (full_date, channel);

comment on table mart_conversion_funnel is
'Grain: one business date on which visits began and one channel; all counts add up over both';
comment on column mart_conversion_funnel.full_date is
'Business date on which the visit began; that of the purchase where its visit is not known';
comment on column mart_conversion_funnel.channel is
'Medium of the link; (direct) without one, (unknown) for purchases whose visit is not known';
comment on column mart_conversion_funnel.session_count is 'Visits; additive';
comment on column mart_conversion_funnel.product_session_count is
'Visits that looked at a product; additive';
comment on column mart_conversion_funnel.cart_session_count is
'Visits that looked at their cart; additive';
comment on column mart_conversion_funnel.checkout_session_count is
'Visits that came to the checkout; additive';
comment on column mart_conversion_funnel.converted_session_count is
'Visits with a purchase; additive';
comment on column mart_conversion_funnel.conversion_count is
'Purchases, of unknown visits too; additive';
comment on column mart_conversion_funnel.order_count is
'Orders of the shop that these purchases name, each once, without cancelled ones; additive';
comment on column mart_conversion_funnel.revenue_amount is
'What the analytics service saw, in US dollars; additive';
comment on column mart_conversion_funnel.order_total_amount is
'What the customers paid for those orders by the shop''s own books: net + tax + shipping; additive';
comment on column mart_conversion_funnel.page_view_count is 'Pages looked at; additive';
comment on column mart_conversion_funnel.duration_seconds is
'Seconds of all visits that ended; additive';
comment on column mart_conversion_funnel.conversion_pct is
'Per cent of the visits with a purchase; NULL without a visit; not additive';
