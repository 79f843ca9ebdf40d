"""The tables of one reconciliation, and the names of what is made of each in the staging schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from etl.catalog import Catalog, SourceTable
from etl.handles import Run, StagedTable, TablePlan
from etl.warehouse.reconciling.images import Image, image_of, made_of_the_batch
from etl.warehouse.release import plan_of
from etl.warehouse.statements import SqlFiles


@dataclass(frozen=True, slots=True)
class Subject:
    """One source table, staged, and its image in the warehouse.

    Attributes:
        number: Its place among the run's tables; names made from it fit whatever the table is called.
    """

    number: int
    table: SourceTable
    plan: TablePlan
    image: Image
    staging: str

    @property
    def parts(self) -> list[str]:
        """Columns that tell rows of the image apart; equal rows without a key are numbered."""
        return list(self.image.key) or ["_equal", "_copy"]

    @property
    def staged_key(self) -> dict[str, dict[str, str]]:
        """Key of the image -> name and type of its staged column."""
        columns = self.table.staged_columns
        return {
            name: {"name": column, "type": columns[column].type} for name, column in self.image.key.items()
        }

    @property
    def told(self) -> dict[str, str]:
        """Columns whose values the source itself says, with their types."""
        made, types = made_of_the_batch(self.table), self.table.staged_types
        return {name: types[name] for name in self.table.columns if name not in made}

    @property
    def names(self) -> dict[str, Any]:
        """What every statement about it is filled in with."""
        return {
            "staging": self.staging,
            "relation": self.table.relation,
            "key_parts": self.parts,
            "staged_key": self.staged_key,
            "key_types": {name: staged["type"] for name, staged in self.staged_key.items()}
            or dict.fromkeys(self.parts, "bigint"),
            "staged": self.table.staged_types,
            "declared": self.told,
            "row_key": {c: self.table.columns[c].type for c in self.table.key},
            "has_cursor": self.table.cursor is not None,
            "cursor_kind": self.table.cursor_kind,
            "aside": aside_relation(self.number),
            "sides": {"source": f"_source_{self.number}", "target": f"_target_{self.number}"},
            "joined": f"_joined_{self.number}",
            "ranges": self.ranges,
            "whole": f"_whole_{self.number}",
            "narrowed": f"_narrowed_{self.number}",
        }

    @property
    def ranges(self) -> str:
        """Name of its ranges in the staging schema."""
        return f"_ranges_{self.number}"


def aside_relation(number: int) -> str:
    """Name of the keys that were set aside of a table."""
    return f"_aside_{number}"


def subjects_of(sql: SqlFiles, catalog: Catalog, run: Run, staged: Sequence[StagedTable]) -> list[Subject]:
    """Those of the staged tables that have an image and were loaded before."""
    subjects = []
    for each in staged:
        table, plan = catalog.tables[each.table], plan_of(each)
        image = image_of(sql, catalog, table, plan.absent)
        if isinstance(image, Image) and plan.watermark is not None:
            number = run.tables.index(each.table) + 1
            subjects.append(Subject(number, table, plan, image, run.staging_schema))
    return subjects
