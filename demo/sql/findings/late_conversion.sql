-- grain: one number: conversions that were told of long after they had happened
-- reads: warehouse.fact_conversions
-- refresh: at the end of the demo
select count(*) as found
from warehouse.fact_conversions as c
where c.updated_at > c.converted_at + interval '1' hour
