-- grain: one number: e-mail addresses that are no addresses
-- reads: warehouse.dim_customer
-- refresh: at the end of the demo
select count(distinct c.customer_id) as found
from warehouse.dim_customer as c
where c.email is not null and not c.is_email_valid
