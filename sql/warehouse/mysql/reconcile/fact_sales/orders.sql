-- grain: the two sides of the orders in fact_sales: one row per order that has lines
-- reads: {{ staging }}.stg_shop__orders, {{ staging }}.stg_shop__order_items, warehouse.fact_sales
{% macro agreed(column) -%}
case
        when count(distinct {{ column }}) = 1 and count({{ column }}) = count(*)
            then min({{ column }})
    end
{%- endmacro %}
-- name: source
select
    o.order_id,
    o.customer_id,
    o.store_id,
    o.ordered_at,
    o.order_status,
    cast(o.tax_amount as decimal(14, 2)) as tax_amount,
    cast(o.shipping_amount as decimal(14, 2)) as shipping_amount
from {{ staging | ident }}.stg_shop__orders as o
where
    exists (
        select 1 from {{ staging | ident }}.stg_shop__order_items as i
        where i.order_id = o.order_id
    );

-- name: target
-- Amounts of an order add up over its lines (law F3); what its lines disagree about is NULL.
select
    t.order_id,
    {{ agreed("c.customer_id") }} as customer_id,
    {{ agreed("s.store_id") }} as store_id,
    {{ agreed("t.ordered_at") }} as ordered_at,
    {{ agreed("t.order_status") }} as order_status,
    cast(sum(t.tax_amount) as decimal(14, 2)) as tax_amount,
    cast(sum(t.shipping_amount) as decimal(14, 2)) as shipping_amount,
    false as _source_decides
from warehouse.fact_sales as t
inner join warehouse.dim_customer as c on t.customer_key = c.customer_key
inner join warehouse.dim_store as s on t.store_key = s.store_key
group by t.order_id;
