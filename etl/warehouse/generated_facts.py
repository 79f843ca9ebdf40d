"""The names with which ``merges/fact/`` merges any fact whose columns the catalog declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from etl.catalog import Catalog, Fact
from etl.handles import StagedTable
from etl.warehouse.database import Session
from etl.warehouse.gone import is_gone


def generated_names(
    session: Session, catalog: Catalog, fact: Fact, staged: Mapping[str, StagedTable]
) -> dict[str, Any]:
    """What the statements need of the fact and of those of its tables that are staged."""
    tables = [name for name in fact.tables if name in staged]
    columns = [*fact.columns, *fact.keys]
    return {
        "fact": fact.relation,
        "grain": fact.grain,
        "key": {name: fact.staged_column(name) for name in fact.grain},
        "columns": {
            name: {"name": fact.staged_column(name), "type": column.type}
            for name, column in fact.columns.items()
        },
        "keys": fact.keys,
        "written": columns,
        "measures": [name for name in columns if name not in fact.grain],
        "at": fact.at,
        "dates": fact.dates,
        "latest_by": fact.latest_by,
        "complete_by": fact.complete_by,
        "sources": [_source(session, catalog, staged[name]) for name in tables],
    }


def _source(session: Session, catalog: Catalog, staged: StagedTable) -> dict[str, Any]:
    table = catalog.tables[staged.table]
    return {
        "relation": table.relation,
        "absent": staged.plan.absent if staged.plan else (),
        "is_gone": is_gone(session, table, "s"),
    }
