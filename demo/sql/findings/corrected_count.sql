-- grain: one number: counts of a store and hour that were exported once more on a later day
-- reads: warehouse.fact_inventory_snapshots
-- refresh: at the end of the demo
with corrected as (
    select distinct
        i.store_id,
        i.counted_at
    from warehouse.fact_inventory_snapshots as i
    where i.exported_at > i.counted_at + interval '1' hour
)

select count(*) as found
from corrected
