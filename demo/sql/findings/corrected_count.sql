-- grain: one number: counts of a store and hour that were exported once more on a later day
-- reads: warehouse.fact_inventory_snapshots
-- refresh: at the end of the demo
select count(distinct row(i.store_id, i.counted_at)) as found
from warehouse.fact_inventory_snapshots as i
where i.exported_at > i.counted_at + interval '1 hour'
