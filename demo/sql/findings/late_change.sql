-- grain: one number: prices that were read on a later day than that from which they hold (law S8)
-- reads: history.product, audit.runs
-- refresh: at the end of the demo
with first_run as (
    select min(r.business_date) as business_date
    from audit.runs as r
    where r.status = 'succeeded'
)

select count(*) as found
from history.product as h
inner join audit.runs as r on h.run_id = r.run_id
inner join first_run as f on r.business_date > f.business_date
where
    h.source = 'shop.product_prices'
    and h.effective_at < r.business_date
