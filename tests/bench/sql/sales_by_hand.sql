-- What one would write by hand for a first load: lookups by time, order amounts shared by value, no checks.
insert into by_hand overriding system value
select
    i.order_item_id, i.order_id, i.line_number, coalesce(d.date_key, -1), coalesce(c.customer_key, -1),
    coalesce(p.product_key, -1), coalesce(s.store_key, -2), o.ordered_at, o.order_status,
    o.order_status = 'cancelled', i.quantity, i.unit_price, a.gross, a.discount, a.gross - a.discount,
    a.tax, a.shipping, a.gross - a.discount + a.tax + a.shipping, round(i.quantity * p.unit_cost, 2),
    a.gross - a.discount - round(i.quantity * p.unit_cost, 2), 'bench', 'bench'
from (
    select
        order_item_id, order_id, line_number, product_id, quantity, unit_price, discount_amount,
        quantity * unit_price as gross,
        (quantity * unit_price - discount_amount) / sum(quantity * unit_price - discount_amount) over (partition by order_id) as share
    from {schema}.stg_shop__order_items
) as i
inner join {schema}.stg_shop__orders as o on i.order_id = o.order_id
cross join lateral (
    select
        i.gross::numeric(14, 2) as gross,
        (i.discount_amount + round(o.discount_amount * i.share, 2))::numeric(14, 2) as discount,
        round(o.tax_amount * i.share, 2)::numeric(14, 2) as tax,
        round(o.shipping_amount * i.share, 2)::numeric(14, 2) as shipping
) as a
left join warehouse.dim_date as d on d.full_date = (o.ordered_at at time zone 'UTC')::date
left join warehouse.dim_customer as c
    on c.customer_id = o.customer_id and c.valid_from <= o.ordered_at and o.ordered_at < c.valid_to
left join warehouse.dim_product as p
    on p.product_id = i.product_id and p.valid_from <= o.ordered_at and o.ordered_at < p.valid_to
left join warehouse.dim_store as s
    on s.store_id = o.store_id and s.valid_from <= o.ordered_at and o.ordered_at < s.valid_to
