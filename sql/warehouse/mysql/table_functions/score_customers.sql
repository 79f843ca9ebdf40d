-- grain: one row per customer with an order before as_of (customer_id)
-- reads: warehouse.fact_sales, warehouse.dim_customer

-- Scored is who the shop knows, did not delete before as_of, and had an order before as_of that was
-- not cancelled. Customers without an order are not scored: they have no recency, and would fill
-- the lowest fifth with people who are no customers yet. Members that only an order names (law S17)
-- are scored once the shop has told of them.
--
-- Each score is the fifth of all scored customers, 1 to 5, 5 the best. Ties are broken by what
-- matters next and in the end by the number of the customer, so that the same sales always give the
-- same scores (laws F5, R4).
--
-- Segments, the first rule that fits:
--     New        a single order, and among the two fifths that ordered last
--     Champions  among the best two fifths in all three
--     Loyal      more than one order, recency and frequency at least 3
--     Potential  recency at least 3
--     At risk    frequency or money at least 3, but long not seen
--     Lost       all others
{%- macro score_customers(as_of) %}
with members as (
    select d.customer_id
    from warehouse.dim_customer as d
    where d.customer_key > 0 and not d.is_inferred
    group by d.customer_id
    having max(d.valid_to) > {{ as_of }}
),

purchases as (
    select
        d.customer_id,
        count(distinct f.order_id) as order_count,
        sum(f.net_amount) as net_amount,
        max(f.ordered_at) as last_ordered_at
    from warehouse.fact_sales as f
    inner join warehouse.dim_customer as d on f.customer_key = d.customer_key
    where f.customer_key > 0 and not f.is_cancelled and f.ordered_at < {{ as_of }}
    group by d.customer_id
),

scored as (
    select
        p.customer_id,
        p.order_count,
        p.net_amount,
        timestampdiff(microsecond, p.last_ordered_at, {{ as_of }}) div 86400000000 as recency_days,
        ntile(5) over (order by p.last_ordered_at, p.order_count, p.customer_id) as recency,
        ntile(5) over (order by p.order_count, p.net_amount, p.last_ordered_at, p.customer_id)
            as frequency,
        ntile(5) over (order by p.net_amount, p.order_count, p.last_ordered_at, p.customer_id)
            as monetary
    from purchases as p
    inner join members as m on p.customer_id = m.customer_id
)

select
    s.customer_id,
    {{ as_of }} as scored_at,
    s.recency_days,
    s.order_count,
    cast(s.net_amount as decimal(18, 2)) as net_amount,
    s.recency as recency_score,
    s.frequency as frequency_score,
    s.monetary as monetary_score,
    case
        when s.order_count = 1 and s.recency >= 4 then 'New'
        when least(s.recency, s.frequency, s.monetary) >= 4 then 'Champions'
        when s.order_count > 1 and least(s.recency, s.frequency) >= 3 then 'Loyal'
        when s.recency >= 3 then 'Potential'
        when greatest(s.frequency, s.monetary) >= 3 then 'At risk'
        else 'Lost'
    end as rfm_segment
from scored as s
{%- endmacro %}
