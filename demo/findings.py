"""How many defects of each kind the warehouse found, by its own tables and nothing else."""

from __future__ import annotations

from pathlib import Path

from demo.defects import KINDS, Kind
from etl.warehouse.database import Session

_SQL_DIR = Path(__file__).parent / "sql" / "findings"

# Some kinds leave no trace that tells them from ordinary changes; they show in the sums only.
FINDABLE: tuple[Kind, ...] = tuple(kind for kind in KINDS if (_SQL_DIR / f"{kind}.sql").exists())


def found(session: Session, kind: Kind) -> int:
    """Number of defects of a kind, counted by ``demo/sql/findings/<kind>.sql``.

    Args:
        session: Of the warehouse.
        kind: One of ``FINDABLE``.
    """
    statement = session.database.sql.fill((_SQL_DIR / f"{kind}.sql").read_text("utf-8"))
    return int(session.single(statement))
