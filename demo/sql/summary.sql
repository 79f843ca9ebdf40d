-- grain: one row per table that some runs read or wrote
-- reads: audit.run_tables
-- refresh: at the end of the demo
select
    t.name,
    t.role,
    sum(t.extracted) as extracted,
    sum(t.rejected) as rejected,
    sum(t.dropped) as dropped,
    sum(t.quarantined) as quarantined,
    sum(t.inserted) as inserted,
    sum(t.updated) as updated,
    sum(t.expired) as expired,
    sum(t.unchanged) as unchanged,
    sum(t.seconds) as seconds
from audit.run_tables as t
where t.run_id in ({{ places }})
group by t.name, t.role
order by
    case t.role
        when 'source' then 1
        when 'dimension' then 2
        when 'fact' then 3
        when 'replica' then 4
        else 5
    end,
    t.name
