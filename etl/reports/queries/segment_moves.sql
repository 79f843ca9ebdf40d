-- grain: one row per scoring and pair of segments, of the twelve newest scorings with one before them
-- reads: marts.mart_segment_moves
with newest as (
    select scored_at
    from marts.mart_segment_moves
    group by scored_at
    order by scored_at desc
    limit 12
)

select
    moves.scored_at,
    moves.full_date,
    moves.previous_rfm_segment,
    moves.rfm_segment,
    moves.is_move,
    moves.customer_count,
    moves.share_pct
from marts.mart_segment_moves as moves
inner join newest on moves.scored_at = newest.scored_at
order by
    moves.scored_at desc,
    {{ "moves.previous_rfm_segment" | place_in(order) }} asc,
    {{ "moves.rfm_segment" | place_in(order) }} asc;
