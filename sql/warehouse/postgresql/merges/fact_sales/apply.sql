-- grain: statements that bring the rows of this release into fact_sales
-- reads: {{ staging }}.{{ rows }}, {{ staging }}.stg_shop__orders, warehouse.dim_customer,
-- warehouse.dim_store, warehouse.dim_product

-- name: count_changes
select
    count(*) filter (where r._change = 'insert') as inserted,
    count(*) filter (where r._change = 'update') as updated,
    count(*) filter (where r._change = 'unchanged') as unchanged
from {{ staging | ident }}.{{ rows | ident }} as r;

-- name: repoint_customer_key
-- Facts whose customer has other versions now (law S8).
{% import "merges/lookup.sql" as lookup -%}
with versions as (
    {{ lookup.versions(repoints.customer_key) }}
)

update warehouse.fact_sales as f
set
    customer_key = v.customer_key,
    updated_run_id = %(run_id)s
from warehouse.dim_customer as d
inner join versions as v on d.customer_id = v.customer_id
where
    f.customer_key = d.customer_key
    and v.holds_from <= f.ordered_at and f.ordered_at < v.holds_to
    and f.customer_key != v.customer_key;

-- name: repoint_store_key
with versions as (
    {{ lookup.versions(repoints.store_key) }}
)

update warehouse.fact_sales as f
set
    store_key = v.store_key,
    updated_run_id = %(run_id)s
from warehouse.dim_store as d
inner join versions as v on d.store_id = v.store_id
where
    f.store_key = d.store_key
    and v.holds_from <= f.ordered_at and f.ordered_at < v.holds_to
    and f.store_key != v.store_key;

-- name: repoint_product_key
-- With the version comes its cost, also where the version stays and only its cost became known.
with versions as (
    {{ lookup.versions(repoints.product_key) }}
)

update warehouse.fact_sales as f
set
    product_key = v.product_key,
    cost_amount = round(f.quantity * v.unit_cost, 2),
    profit_amount = f.net_amount - round(f.quantity * v.unit_cost, 2),
    updated_run_id = %(run_id)s
from warehouse.dim_product as d
inner join versions as v on d.product_id = v.product_id
where
    f.product_key = d.product_key
    and v.holds_from <= f.ordered_at and f.ordered_at < v.holds_to
    and (
        f.product_key != v.product_key
        or f.cost_amount is distinct from round(f.quantity * v.unit_cost, 2)
    );

-- name: update_changed
update warehouse.fact_sales as f
set
    {%- for column in measures %}
    {{ column | ident }} = r.{{ column | ident }},
    {%- endfor %}
    updated_run_id = %(run_id)s
from {{ staging | ident }}.{{ rows | ident }} as r
where r._change = 'update' and f.sale_id = r.sale_id;

-- name: insert_missing
insert into warehouse.fact_sales (
    order_id, line_number, {{ measures | idents }}, inserted_run_id, updated_run_id
)
select
    r.order_id,
    r.line_number,
    {{ measures | idents('r') }},
    %(run_id)s,
    %(run_id)s
from {{ staging | ident }}.{{ rows | ident }} as r
where r._change = 'insert'
order by r.order_id, r.line_number;

-- name: remove_vanished
-- The fact holds the valid lines of an order's latest state; a line that left it leaves the fact.
delete from warehouse.fact_sales as f
using {{ staging | ident }}.stg_shop__orders as o
where
    f.order_id = o.order_id
    and not exists (
        select from {{ staging | ident }}.{{ rows | ident }} as r
        where r.order_id = f.order_id and r.line_number = f.line_number
    );
