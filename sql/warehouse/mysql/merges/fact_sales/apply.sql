-- grain: statements that bring the rows of this release into fact_sales
-- reads: {{ staging }}.{{ rows }}, {{ staging }}.stg_shop__orders, warehouse.dim_customer,
-- warehouse.dim_store, warehouse.dim_product
-- all: the linter knows no update of MySQL with several joins
-- noqa: disable=all
{% import "merges/lookup.sql" as lookup -%}
{%- macro moved(found) -%}
drop temporary table if exists audit.moved_versions;
create temporary table audit.moved_versions (
    holds_from datetime(6),
    holds_to datetime(6),
    index ({{ found.columns | idents }}, holds_from)
) as
{{ lookup.versions(found) }};
{%- endmacro %}

-- name: count_changes
select
    count(case when r._change = 'insert' then 1 end) as inserted,
    count(case when r._change = 'update' then 1 end) as updated,
    count(case when r._change = 'unchanged' then 1 end) as unchanged
from {{ staging | ident }}.{{ rows | ident }} as r;

-- name: repoint_customer_key
-- Facts whose customer has other versions now (law S8).
{{ moved(repoints.customer_key) }}

update warehouse.fact_sales as f
inner join warehouse.dim_customer as d on f.customer_key = d.customer_key
inner join audit.moved_versions as v
    on
        d.customer_id = v.customer_id
        and v.holds_from <= f.ordered_at
        and f.ordered_at < v.holds_to
set
    f.customer_key = v.customer_key,
    f.updated_run_id = %(run_id)s
where f.customer_key != v.customer_key;

-- name: repoint_store_key
{{ moved(repoints.store_key) }}

update warehouse.fact_sales as f
inner join warehouse.dim_store as d on f.store_key = d.store_key
inner join audit.moved_versions as v
    on
        d.store_id = v.store_id
        and v.holds_from <= f.ordered_at
        and f.ordered_at < v.holds_to
set
    f.store_key = v.store_key,
    f.updated_run_id = %(run_id)s
where f.store_key != v.store_key;

-- name: repoint_product_key
-- With the version comes its cost, also where the version stays and only its cost became known.
{{ moved(repoints.product_key) }}

update warehouse.fact_sales as f
inner join warehouse.dim_product as d on f.product_key = d.product_key
inner join audit.moved_versions as v
    on
        d.product_id = v.product_id
        and v.holds_from <= f.ordered_at
        and f.ordered_at < v.holds_to
set
    f.product_key = v.product_key,
    f.cost_amount = round(f.quantity * v.unit_cost, 2),
    f.profit_amount = f.net_amount - round(f.quantity * v.unit_cost, 2),
    f.updated_run_id = %(run_id)s
where
    f.product_key != v.product_key
    or not (f.cost_amount <=> round(f.quantity * v.unit_cost, 2));

-- name: update_changed
update warehouse.fact_sales as f
inner join {{ staging | ident }}.{{ rows | ident }} as r on f.sale_id = r.sale_id
set
    {%- for column in measures %}
    f.{{ column | ident }} = r.{{ column | ident }},
    {%- endfor %}
    f.updated_run_id = %(run_id)s
where r._change = 'update';

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
delete from warehouse.fact_sales
using warehouse.fact_sales
inner join {{ staging | ident }}.stg_shop__orders as o on fact_sales.order_id = o.order_id
left join {{ staging | ident }}.{{ rows | ident }} as r
    on fact_sales.order_id = r.order_id and fact_sales.line_number = r.line_number
where r.order_id is null;
