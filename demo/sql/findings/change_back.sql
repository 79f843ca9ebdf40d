-- grain: one number: moves of customers and changes of price that were taken back
-- reads: warehouse.dim_customer, warehouse.dim_product, history.customer
-- refresh: at the end of the demo
with addresses as (
    select
        c.customer_id,
        c.valid_from,
        concat_ws(
            '|',
            coalesce(c.address_line1, '-'), coalesce(c.city, '-'), coalesce(c.postal_code, '-')
        ) as address
    from warehouse.dim_customer as c
    where c.customer_key > 0
),

moves as (
    select
        c.customer_id,
        c.address,
        lag(c.address) over by_time as address_before,
        lag(c.address, 2) over by_time as address_first
    from addresses as c
    window by_time as (partition by c.customer_id order by c.valid_from)
),

prices as (
    select
        p.product_id,
        p.list_price,
        lag(p.list_price) over by_time as price_before,
        lag(p.list_price, 2) over by_time as price_first
    from warehouse.dim_product as p
    where p.product_key > 0
    window by_time as (partition by p.product_id order by p.valid_from)
),

taken_back as (
    select concat('customer ', m.customer_id) as member
    from moves as m
    where
        m.address = m.address_first
        and m.address != m.address_before
        -- a row that took an older time stands twice in its history; that is a finding of its own
        and not exists (
            select 1 from history.customer as h
            where
                h.customer_id = m.customer_id
                and h.source = 'shop.customers'
                and h.operation = 'upsert'
            group by h.source_cursor
            having count(*) > 1
        )
    union all
    select concat('product ', p.product_id) as member
    from prices as p
    where p.list_price = p.price_first and p.list_price != p.price_before
)

select count(distinct t.member) as found
from taken_back as t
