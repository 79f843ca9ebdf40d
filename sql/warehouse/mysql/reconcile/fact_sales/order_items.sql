-- grain: the two sides of the lines of fact_sales: one row per (order_id, line_number);
-- the source's side is what the merge makes of the staged orders and lines, amounts shared out
-- reads: {{ staging }}.{{ rows }}, warehouse.fact_sales, the asides of orders, dimensions
{% macro compared() -%}
    t.order_id,
    t.line_number,
    t.date_key,
    c.customer_id,
    p.product_id,
    s.store_id,
    t.ordered_at,
    t.order_status,
    case t.is_cancelled when true then 'yes' when false then 'no' end as is_cancelled,
    t.quantity,
    cast(t.unit_price as decimal(14, 2)) as unit_price,
    cast(t.gross_amount as decimal(14, 2)) as gross_amount,
    cast(t.discount_amount as decimal(14, 2)) as discount_amount,
    cast(t.net_amount as decimal(14, 2)) as net_amount,
    cast(t.tax_amount as decimal(14, 2)) as tax_amount,
    cast(t.shipping_amount as decimal(14, 2)) as shipping_amount,
    cast(t.total_amount as decimal(14, 2)) as total_amount,
    cast(t.cost_amount as decimal(14, 2)) as cost_amount,
    cast(t.profit_amount as decimal(14, 2)) as profit_amount
{%- endmacro %}
-- name: source
select {{ compared() }}
from {{ staging | ident }}.{{ rows | ident }} as t
inner join warehouse.dim_customer as c on t.customer_key = c.customer_key
inner join warehouse.dim_product as p on t.product_key = p.product_key
inner join warehouse.dim_store as s on t.store_key = s.store_key;

-- name: target
-- A line of an order that the source has is wrong where it is none of the order's lines.
select
    {{ compared() }},
    o.order_id is not null as _source_decides
from warehouse.fact_sales as t
inner join warehouse.dim_customer as c on t.customer_key = c.customer_key
inner join warehouse.dim_product as p on t.product_key = p.product_key
inner join warehouse.dim_store as s on t.store_key = s.store_key
left join {{ staging | ident }}.stg_shop__orders as o on t.order_id = o.order_id
where
    not exists (
        select 1 from {{ staging | ident }}.{{ asides["shop.orders"] | ident }} as a
        where a.order_id = t.order_id
    );
