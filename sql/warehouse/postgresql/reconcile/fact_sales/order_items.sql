-- grain: the two sides of the lines of fact_sales: one row per (order_id, line_number);
-- the source's side is what the merge makes of the staged orders and lines, amounts shared out
-- reads: {{ staging }}.{{ rows }}, warehouse.fact_sales, the asides of orders, dimensions
{% macro lines() -%}
    t.order_id,
    t.line_number,
    t.date_key,
    c.customer_id,
    p.product_id,
    s.store_id,
    t.ordered_at,
    t.order_status,
    t.is_cancelled,
    t.quantity,
    t.unit_price::numeric(14, 2) as unit_price,
    t.gross_amount::numeric(14, 2) as gross_amount,
    t.discount_amount::numeric(14, 2) as discount_amount,
    t.net_amount::numeric(14, 2) as net_amount,
    t.tax_amount::numeric(14, 2) as tax_amount,
    t.shipping_amount::numeric(14, 2) as shipping_amount,
    t.total_amount::numeric(14, 2) as total_amount,
    t.cost_amount::numeric(14, 2) as cost_amount,
    t.profit_amount::numeric(14, 2) as profit_amount
{%- endmacro %}
-- name: source
select {{ lines() }}
from {{ staging | ident }}.{{ rows | ident }} as t
inner join warehouse.dim_customer as c on t.customer_key = c.customer_key
inner join warehouse.dim_product as p on t.product_key = p.product_key
inner join warehouse.dim_store as s on t.store_key = s.store_key;

-- name: target
-- A line of an order that the source has is wrong where it is none of the order's lines.
select
    {{ lines() }},
    o.order_id is not null as _source_decides
from warehouse.fact_sales as t
inner join warehouse.dim_customer as c on t.customer_key = c.customer_key
inner join warehouse.dim_product as p on t.product_key = p.product_key
inner join warehouse.dim_store as s on t.store_key = s.store_key
left join {{ staging | ident }}.stg_shop__orders as o on t.order_id = o.order_id
where
    not exists (
        select from {{ staging | ident }}.{{ asides["shop.orders"] | ident }} as a
        where a.order_id = t.order_id
    );
