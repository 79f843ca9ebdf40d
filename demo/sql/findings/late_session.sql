-- grain: one number: sessions whose customer became known long after they had ended
-- reads: warehouse.fact_web_sessions
-- refresh: at the end of the demo
select count(*) as found
from warehouse.fact_web_sessions as s
where s.updated_at > s.ended_at + interval '1' hour and s.customer_key > 0
