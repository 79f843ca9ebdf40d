-- grain: one number: conversions held back because nobody quotes their currency (law F4)
-- reads: audit.quarantine, warehouse.fact_exchange_rates
-- refresh: at the end of the demo
select count(distinct {{ "q.payload" | json_text("conversion_id") }}) as found
from audit.quarantine as q
where
    q.table_name = 'analytics.conversions'
    and not exists (
        select 1 from warehouse.fact_exchange_rates as r
        where r.currency_code = {{ "q.payload" | json_text("currency_code") }}
    )
