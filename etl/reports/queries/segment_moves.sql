-- grain: one row per scoring and pair of segments, of the twelve newest scorings with one before them
-- reads: marts.mart_segment_moves
select
    scored_at,
    full_date,
    previous_rfm_segment,
    rfm_segment,
    is_move,
    customer_count,
    share_pct
from marts.mart_segment_moves
where
    scored_at in (
        select newest.scored_at
        from marts.mart_segment_moves as newest
        group by newest.scored_at
        order by newest.scored_at desc
        limit 12
    )
order by
    scored_at desc,
    array_position(%(order)s, previous_rfm_segment) asc,
    array_position(%(order)s, rfm_segment) asc;
