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

lines as (
    select
        i.order_id,
        i.line_number,
        i.product_id,
        i.quantity,
        i.unit_price,
        i.discount_amount as line_discount,
        round(i.quantity * i.unit_price, 2) as gross,
        o.customer_id,
        o.store_id,
        o.ordered_at,
        o.order_status,
        o.discount_amount as order_discount,
        o.tax_amount as order_tax,
        o.shipping_amount as order_shipping
    from {{ staging | ident }}.stg_shop__order_items as i
    inner join {{ staging | ident }}.stg_shop__orders as o on i.order_id = o.order_id
),

-- law F3: by what each line costs; evenly where the whole order costs nothing
priced as (
    select
        l.*,
        case
            when sum(greatest(l.gross - l.line_discount, 0)) over per_order = 0 then 1
            else greatest(l.gross - l.line_discount, 0)
        end as weight
    from lines as l
    window per_order as (partition by l.order_id)
),

weighted as (
    select
        p.*,
        sum(p.weight) over (partition by p.order_id) as order_weight
    from priced as p
),

shared as (
    select
        w.*,
        {{ allocate.floor_of("w.order_discount") }} as discount_whole,
        {{ allocate.rank_of("w.order_discount") }} as discount_rank,
        {{ allocate.floor_of("w.order_tax") }} as tax_whole,
        {{ allocate.rank_of("w.order_tax") }} as tax_rank,
        {{ allocate.floor_of("w.order_shipping") }} as shipping_whole,
        {{ allocate.rank_of("w.order_shipping") }} as shipping_rank
    from weighted as w
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
        a.gross as gross_amount,
        a.discount as discount_amount,
        a.gross - a.discount as net_amount,
        a.tax as tax_amount,
        a.shipping as shipping_amount,
        a.gross - a.discount + a.tax + a.shipping as total_amount,
        round(a.quantity * p.unit_cost, 2) as cost_amount,
        a.gross - a.discount - round(a.quantity * p.unit_cost, 2) as profit_amount
    from allocated as a
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
    end as change
from sales as r
left join warehouse.fact_sales as f on r.order_id = f.order_id and r.line_number = f.line_number
