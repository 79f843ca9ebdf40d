-- grain: one row per day that dim_date has between two keys, both included (law F7)
-- reads: dim_date
select {{ columns | idents('d') }}
from warehouse.dim_date as d
where d.date_key between %(first)s and %(last)s
