"""Reads the rows of reports from one snapshot of the warehouse.

The queries are SQL that every system reads; the little that is written differently comes from filters of
the database. A row is the same whatever holds the warehouse: values have the same types.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from etl.reports.tables import Row
from etl.warehouse.database import Session, from_json

QUERIES = Path(__file__).parent / "queries"

_READS = re.compile(r"^-- reads: (.*)$", re.MULTILINE)
_MART = re.compile(r"\bmarts\.\w+")


class Reader:
    """Runs the queries of ``queries/`` in one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def rows(self, query: str, **parameters: Any) -> tuple[Row, ...]:
        """Rows of ``queries/<query>.sql``; none while a mart that its header names was never built.

        Args:
            parameters: Values for the places that the query names; for a list it has one place per element.
        """
        sql = (QUERIES / f"{query}.sql").read_text(encoding="utf-8")
        if not self._are_built(_marts_of(sql)):
            return ()
        places: dict[str, str | list[str]] = {}
        values: dict[str, Any] = {}
        for name, value in parameters.items():
            each = (
                {f"{name}_{n}": v for n, v in enumerate(value)} if isinstance(value, list) else {name: value}
            )
            values |= each
            marks = [f"%({key})s" for key in each]
            places[name] = (marks or ["null"]) if isinstance(value, list) else marks[0]
        statement = self._session.database.sql.fill(sql, **places)
        return tuple(self._session.rows(statement, values))

    def _are_built(self, marts: list[str]) -> bool:
        return all(self._session.exists(*mart.split(".")) for mart in marts)


def in_words(texts: Any) -> str:
    """An array of texts as the warehouse gave it, with commas between them."""
    return ", ".join(from_json(texts))


def _marts_of(sql: str) -> list[str]:
    header = _READS.search(sql)
    return _MART.findall(header.group(1)) if header else []
