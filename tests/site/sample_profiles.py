"""Profiles for the sample, as the warehouse makes them of staged rows, a hostile value among them."""

from __future__ import annotations

from etl.catalog import SourceTable
from etl.handles import Run, StagedTable
from etl.profile_drift import drifts_between
from etl.profiles import ProfiledColumn
from etl.warehouse import profiles
from etl.warehouse.database import Session

HOSTILE = "<script>alert('p')</script>"
PERSON = "Zebulon Quackenbush"
ORDERS = SourceTable.model_validate(
    {
        "name": "orders", "source": "shop", "description": "Orders", "table": "orders", "key": ["order_id"],
        "columns": {
            "order_id": {"type": "bigint"},
            "customer_name": {"type": "text", "personal": True},
            "status": {"type": "text"},
            "total_amount": {"type": "decimal(12,2)"},
            "ordered_at": {"type": "timestamp"},
            "store_code": {"type": "text"},
            "remark": {"type": "text"},
        },
    }
)  # fmt: skip
_ROWS = """
create temporary table staged_orders on commit drop as
select
    n as order_id,
    %(person)s as customer_name,
    case when n %% 10 < %(sent)s then 'shipped' when n %% 10 < 8 then 'paid' else %(hostile)s end as status,
    ((n * 37 %% 5000) / 100.0)::numeric(12, 2) as total_amount,
    timestamptz '2026-11-18 08:00Z' + n * interval '41 seconds' as ordered_at,
    case when n %% 100 >= %(none)s then 'ST-' || lpad((n %% 40)::text, 3, '0') end as store_code,
    null::text as remark
from generate_series(1, 2431) as n
"""


def insert_profiles(session: Session, run_ids: list[str]) -> None:
    """Two runs: in the second one, more orders are shipped and fewer name their store."""
    before: list[ProfiledColumn] = []
    for run_id, sent, none in zip(run_ids, (2, 5), (2, 22), strict=True):
        run = Run(run_id, "daily-sales", None, False, "pg_temp")
        staged = StagedTable("shop.orders", "pg_temp", "staged_orders", 2431, 2431, 0)
        session.execute(_ROWS, {"person": PERSON, "hostile": HOSTILE, "sent": sent, "none": none})
        columns = profiles.profile_table(session, staged, ORDERS, 200_000)
        profiles.keep_profile(session, run, staged, columns)
        drifts = drifts_between(before, columns) if before else []
        profiles.keep_profile_drifts(session, run, staged.table, drifts)
        session.execute("drop table staged_orders")
        before = columns
