-- grain: one row per table that some runs read or wrote
-- reads: audit.run_tables
-- refresh: at the end of the demo
select
    t.name,
    t.role,
    sum(t.extracted)::bigint as extracted,
    sum(t.rejected)::bigint as rejected,
    sum(t.dropped)::bigint as dropped,
    sum(t.quarantined)::bigint as quarantined,
    sum(t.inserted)::bigint as inserted,
    sum(t.updated)::bigint as updated,
    sum(t.expired)::bigint as expired,
    sum(t.unchanged)::bigint as unchanged,
    sum(t.seconds) as seconds
from audit.run_tables as t
where t.run_id = any(%s)
group by t.name, t.role
order by array_position(array['source', 'dimension', 'fact', 'replica', 'mart'], t.role), t.name
