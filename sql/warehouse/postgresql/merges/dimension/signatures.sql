-- grain: one row per way in which records of the affected members leave attributes out
-- reads: history.{{ entity }}
select distinct
    h.operation,
    h.absent
from history.{{ entity | ident }} as h
inner join {{ staging | ident }}.{{ affected | ident }} as a
    on {{ key | equal('a', 'h') }} and h.effective_at >= a.since
