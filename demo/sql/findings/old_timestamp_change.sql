-- grain: one number: customers whose row changed with an older time than one known already (law S8)
-- reads: history.customer
-- refresh: at the end of the demo
select count(distinct h.customer_id) as found
from history.customer as h
where
    h.operation = 'upsert'
    and exists (
        select 1 from history.customer as e
        where
            e.customer_id = h.customer_id
            and e.operation = 'upsert'
            and e.effective_at > h.effective_at
            and e.recorded_at < h.recorded_at
    )
    and not exists (
        select 1 from history.customer as d
        where d.customer_id = h.customer_id and d.operation = 'delete'
    )
