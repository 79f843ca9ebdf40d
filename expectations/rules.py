"""Named business rules: SQL predicates that every row of a staged table must satisfy, with their reasons.

A suite names one with ``business_rule:`` in the kwargs of ``expect_rows_to_satisfy``. A predicate may
look at sibling staged tables by their plain names, and at others with their schema. As in a CHECK constraint,
NULL counts as satisfied. They are written for PostgreSQL; other systems get them translated, part by part.

A predicate that looks at another table must be set-based: ``key not in (select the broken keys)`` is
planned once and hashed; a correlated subquery over millions of lines is not. The inner select must
never yield NULL, which would make ``not in`` pass every row.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BusinessRule:
    """A predicate in SQL that holds for every sound row, and why the business wants it.

    Attributes:
        needs_whole_batch: It compares a row with all others of its batch, which a replay does not have.
    """

    predicate: str
    reason: str
    needs_whole_batch: bool = False


BUSINESS_RULES: dict[str, BusinessRule] = {
    "order_total_adds_up": BusinessRule(
        predicate="""
            order_id not in (
                with lines as (
                    select
                        i.order_id,
                        sum(round(i.quantity * i.unit_price, 2) - i.discount_amount) as lines_amount
                    from stg_shop__order_items as i
                    group by i.order_id
                )

                select o.order_id
                from stg_shop__orders as o
                left join lines as l on o.order_id = l.order_id
                where
                    o.order_id is not null
                    and o.total_amount is distinct from
                    coalesce(l.lines_amount, 0) - o.discount_amount + o.tax_amount + o.shipping_amount
            )
        """,
        reason=(
            "Order-level amounts are allocated to the lines to the cent (law F3); an order whose total is "
            "not its lines plus tax and shipping would put money into the facts that nobody paid."
        ),
    ),
    "registered_before_changed": BusinessRule(
        predicate="registration_date <= updated_at::date + 1",
        reason=(
            "A customer cannot change before registering; one day is allowed because the date is the "
            "shop's and the instant is UTC."
        ),
    ),
    "page_is_viewed_within_its_session": BusinessRule(
        predicate="""
            page_view_id not in (
                select p.page_view_id
                from stg_analytics__page_views as p
                inner join stg_analytics__sessions as s on p.session_id = s.session_id
                where
                    p.page_view_id is not null
                    and (p.viewed_at < s.started_at or p.viewed_at > s.ended_at)
            )
        """,
        reason=(
            "A page is looked at between the start and the end of its visit; one outside hangs on the wrong "
            "visit, and the funnel would count a step that its visitor never took."
        ),
    ),
    "fifths_are_even": BusinessRule(
        predicate="""
            customer_id not in (
                with fifths as (
                    select count(*) as members
                    from stg_warehouse__customer_scores as s
                    cross join (select 1 as kind union all select 2 union all select 3) as k
                    group by
                        k.kind,
                        case k.kind
                            when 1 then s.recency_score when 2 then s.frequency_score else s.monetary_score
                        end
                )

                select s.customer_id
                from stg_warehouse__customer_scores as s
                where
                    s.customer_id is not null
                    and (select max(f.members) - min(f.members) from fifths as f) > 1
            )
        """,
        reason=(
            "Scores rank every customer against all others (law F5); fifths of different sizes mean that the "
            "ranking saw only a part of them."
        ),
        needs_whole_batch=True,
    ),
}
