-- grain: one number: changes of a store's manager
-- reads: warehouse.dim_store
-- refresh: at the end of the demo
with neighbours as (
    select
        s.manager_name,
        lag(s.manager_name) over by_time as manager_before,
        row_number() over by_time as position
    from warehouse.dim_store as s
    where s.store_key > 0
    window by_time as (partition by s.store_id order by s.valid_from)
)

select count(*) as found
from neighbours as n
where n.position > 1 and coalesce(n.manager_name, '') != coalesce(n.manager_before, '')
