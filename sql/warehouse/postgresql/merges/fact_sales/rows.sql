-- grain: one row per order line (order_id, line_number) of the orders in this release (law F1)
-- reads: stg_shop__order_items, stg_shop__orders, dim_customer, dim_product, dim_store, dim_date
{% import "merges/lookup.sql" as lookup -%}
{% import "merges/allocate.sql" as allocate -%}
create unlogged table {{ staging | ident }}.{{ rows | ident }} as
with customers as (
    {{ lookup.versions(lookups.customer_key) }}
),

products as (
    {{ lookup.versions(lookups.product_key) }}
),

stores as (
    {{ lookup.versions(lookups.store_key) }}
),

-- OFFSET 0 keeps the planner from computing the cents of an order once for each line and use;
-- AM09: it takes all rows, in any order
orders as (
    select
        o.order_id,
        o.customer_id,
        o.store_id,
        o.ordered_at,
        o.order_status,
        {{ allocate.cents("o.discount_amount") }} as order_discount,
        {{ allocate.cents("o.tax_amount") }} as order_tax,
        {{ allocate.cents("o.shipping_amount") }} as order_shipping
    from {{ staging | ident }}.stg_shop__orders as o
    offset 0 -- noqa: AM09
),

items as (
    select
        i.order_id,
        i.line_number,
        i.product_id,
        i.quantity,
        i.unit_price,
        {{ allocate.cents("i.discount_amount") }} as line_discount,
        {{ allocate.cents("round(i.quantity * i.unit_price, 2)") }} as gross
    from {{ staging | ident }}.stg_shop__order_items as i
    offset 0 -- noqa: AM09
),

lines as (
    select
        i.*,
        o.customer_id,
        o.store_id,
        o.ordered_at,
        o.order_status,
        o.order_discount,
        o.order_tax,
        o.order_shipping,
        greatest(i.gross - i.line_discount, 0) as cost
    from items as i
    inner join orders as o on i.order_id = o.order_id
),

-- law F3: by what each line costs; evenly where the whole order costs nothing
priced as (
    select
        l.*,
        (sum(l.cost) over per_order)::bigint as order_cost,
        count(*) over per_order as line_count
    from lines as l
    window per_order as (partition by l.order_id)
),

weighted as (
    select
        p.*,
        case when p.order_cost = 0 then 1 else p.cost end as weight,
        case when p.order_cost = 0 then p.line_count else p.order_cost end as order_weight
    from priced as p
    -- As they come already; said, so that the ranks below sort within an order, and not all lines.
    order by p.order_id
),

divided as (
    select
        w.*,
        {{ allocate.whole_of("w.order_discount") }} as discount_whole,
        {{ allocate.whole_of("w.order_tax") }} as tax_whole,
        {{ allocate.whole_of("w.order_shipping") }} as shipping_whole
    from weighted as w
    order by w.order_id
),

left_over as (
    select
        w.*,
        {{ allocate.rest_of("w.order_discount", "w.discount_whole") }} as discount_rest,
        {{ allocate.rest_of("w.order_tax", "w.tax_whole") }} as tax_rest,
        {{ allocate.rest_of("w.order_shipping", "w.shipping_whole") }} as shipping_rest
    from divided as w
    order by w.order_id
),

shared as (
    select
        w.*,
        {{ allocate.rank_of("w.discount_rest") }} as discount_rank,
        {{ allocate.rank_of("w.tax_rest") }} as tax_rank,
        {{ allocate.rank_of("w.shipping_rest") }} as shipping_rank
    from left_over as w
),

allocated as (
    select
        s.*,
        s.line_discount
        + {{ allocate.share_of("s.order_discount", "s.discount_whole", "s.discount_rank") }}
            as discount,
        {{ allocate.share_of("s.order_tax", "s.tax_whole", "s.tax_rank") }} as tax,
        {{ allocate.share_of("s.order_shipping", "s.shipping_whole", "s.shipping_rank") }}
            as shipping
    from shared as s
),

-- whole amounts, and not their parts, become decimals again
summed as (
    select
        a.*,
        {{ allocate.money("a.gross") }} as gross_amount,
        {{ allocate.money("a.discount") }} as discount_amount,
        {{ allocate.money("a.gross - a.discount") }} as net_amount,
        {{ allocate.money("a.tax") }} as tax_amount,
        {{ allocate.money("a.shipping") }} as shipping_amount,
        {{ allocate.money("a.gross - a.discount + a.tax + a.shipping") }} as total_amount
    from allocated as a
    offset 0 -- noqa: AM09
),

sales as (
    select
        a.order_id,
        a.line_number,
        coalesce(d.date_key, -1) as date_key,
        coalesce(c.customer_key, {{ lookups.customer_key.if_null }}) as customer_key,
        coalesce(p.product_key, {{ lookups.product_key.if_null }}) as product_key,
        coalesce(s.store_key, {{ lookups.store_key.if_null }}) as store_key,
        a.ordered_at,
        a.order_status,
        a.order_status = any(%(cancelled)s) as is_cancelled,
        a.quantity,
        a.unit_price,
        a.gross_amount,
        a.discount_amount,
        a.net_amount,
        a.tax_amount,
        a.shipping_amount,
        a.total_amount,
        round(a.quantity * p.unit_cost, 2) as cost_amount,
        a.net_amount - round(a.quantity * p.unit_cost, 2) as profit_amount
    from summed as a
    left join warehouse.dim_date as d
        on d.full_date = (a.ordered_at at time zone %(business_time_zone)s)::date
    left join customers as c
        on
            a.customer_id = c.customer_id
            and a.ordered_at >= c.holds_from
            and a.ordered_at < c.holds_to
    left join products as p
        on
            a.product_id = p.product_id
            and a.ordered_at >= p.holds_from
            and a.ordered_at < p.holds_to
    left join stores as s
        on
            a.store_id = s.store_id
            and a.ordered_at >= s.holds_from
            and a.ordered_at < s.holds_to
)

select
    r.*,
    f.sale_id,
    case
        when f.sale_id is null then 'insert'
        when (row({{ measures | idents('r') }}) is distinct from row({{ measures | idents('f') }}))
            then 'update'
        else 'unchanged'
    end as _change
from sales as r
left join warehouse.fact_sales as f on r.order_id = f.order_id and r.line_number = f.line_number
