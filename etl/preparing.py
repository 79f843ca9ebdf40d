"""Prepares landed files: declared types, declared steps, and every refused row with its reason (law R3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from etl.arrow_files import ArrowFileWriter, arrow_batches
from etl.catalog import Column, SourceTable
from etl.catalog_types import arrow_type
from etl.errors import ConfigError, ContractError
from etl.handles import LandedFile, PreparedFile
from etl.landed_columns import CURSOR, FAULT
from etl.transforms import apply_steps
from etl.transforms.payload import row_payloads
from etl.transforms.step_log import added, no_rows
from etl.transforms.types import convert

REJECTS_SCHEMA = pa.schema({"payload": pa.string(), "column_name": pa.string(), "reason": pa.string()})
_NO_REJECTS = pa.RecordBatch.from_pylist([], schema=REJECTS_SCHEMA)

Faults = list[tuple[str | None, pa.Array]]


def prepare(landed: LandedFile, table: SourceTable, folder: Path, default_phone_region: str) -> PreparedFile:
    """Turn a landed file into what is staged, batch by batch (law X13).

    In this order: texts declared as NULL become NULL (law X14), columns get their declared types, the
    steps of ``table.prepare`` run, derived columns get theirs, and NOT NULL is checked. A row that
    fails anywhere is rejected once, with its first column and reason, and no later step sees it; every other
    row is kept but for those that a step drops, so that landed rows = prepared rows + rejected rows +
    dropped rows, whatever the batch size.

    A ``keys`` file keeps only its key columns, converted; no step runs.

    Args:
        landed: The landed file.
        table: Its declaration.
        folder: Where ``*.prepared.arrow`` and ``*.rejects.arrow`` are written.
        default_phone_region: Region of phone numbers whose row names none.

    Raises:
        ContractError: A declared column was not landed, or has a type that can never become the declared one.
        ConfigError: A step does not fit the table.
        StorehouseError: The disk is full.
    """
    started = perf_counter()
    rows = _BatchPreparer(table, landed.extract.kind == "keys", default_phone_region)
    paths = [folder / f"{landed.path.stem}.{kind}.arrow" for kind in ("prepared", "rejects")]
    with (
        ArrowFileWriter(paths[0], rows.schema) as prepared,
        ArrowFileWriter(paths[1], REJECTS_SCHEMA) as rejects,
    ):
        for batch in arrow_batches(landed.path):
            good, refused = rows.prepare(batch)
            prepared.write(good)
            rejects.write(refused)
    return PreparedFile(
        landed=landed,
        path=paths[0],
        row_count=prepared.row_count,
        rejects_path=paths[1],
        rejected_count=rejects.row_count,
        dropped_count=landed.row_count - prepared.row_count - rejects.row_count,
        seconds=perf_counter() - started,
        steps=rows.step_counts,
    )


class _BatchPreparer:
    """Prepares batches of one table; knows nothing of other batches but what the steps did in all of them."""

    def __init__(self, table: SourceTable, is_keys: bool, default_phone_region: str) -> None:
        self._table = table
        self._region = default_phone_region
        self._landed = {name: table.columns[name] for name in table.key} if is_keys else dict(table.columns)
        self._staged: Mapping[str, Column] = self._landed if is_keys else table.prepared_columns
        self._has_steps = bool(table.prepare) and not is_keys
        fields = {name: arrow_type(column.type) for name, column in self._staged.items()}
        self.schema = pa.schema({**fields, CURSOR: pa.string()})
        self.step_counts = tuple(no_rows(table.prepare)) if self._has_steps else ()

    def prepare(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        """The rows to stage, and the rejected ones; what is in neither was dropped by a step."""
        refused = _Refused(batch)
        columns, faults = self._convert_landed(batch)
        rows = refused.part(_Rows(columns, pa.array(np.arange(batch.num_rows))), faults)
        if self._has_steps:
            rows = self._apply_steps(rows, refused)
        staged, faults = self._check_staged(rows.columns)
        rows = refused.part(_Rows(staged, rows.places), faults)
        arrays = [*rows.columns.values(), self._cursor(batch, rows.places)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema), refused.payloads()

    def _convert_landed(self, batch: pa.RecordBatch) -> tuple[dict[str, pa.Array], Faults]:
        columns: dict[str, pa.Array] = {}
        faults: Faults = [(None, batch.column(FAULT))] if FAULT in batch.schema.names else []
        for name, column in self._landed.items():
            values = _with_nulls(self._landed_column(batch, name), column.nulls, self._where(name))
            converted = convert(values, column.type, self._where(name))
            columns[name] = converted.values
            if converted.faults is not None:
                faults.append((name, converted.faults))
        return columns, faults

    def _landed_column(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        if name not in batch.schema.names:
            raise ContractError(
                f"{self._where(name)}: the column is declared, but the source delivered only "
                f"{', '.join(batch.schema.names)}.",
                "Correct name or source_name in the table's catalog file, or let its query yield the column.",
            )
        return batch.column(name)

    def _apply_steps(self, rows: _Rows, refused: _Refused) -> _Rows:
        frame = pa.table(rows.columns).to_pandas(types_mapper=pd.ArrowDtype)
        frame.index = pd.Index(rows.places.to_numpy())
        done = apply_steps(frame, self._table, self._region)
        self.step_counts = tuple(map(added, self.step_counts, done.counts))
        for refusal in done.refusals:
            refused.add(refusal.rows, refusal.columns, refusal.reasons)
        left = pa.Table.from_pandas(done.frame, preserve_index=False)
        columns = {name: left.column(name).combine_chunks() for name in left.column_names}
        return _Rows(columns, pa.array(done.frame.index))

    def _check_staged(self, columns: dict[str, pa.Array]) -> tuple[dict[str, pa.Array], Faults]:
        self._require_declared(columns)
        staged: dict[str, pa.Array] = {}
        faults: Faults = []
        for name, column in self._staged.items():
            converted = (
                convert(columns[name], column.type, self._where(name))
                if name in self._table.derived
                else None
            )
            staged[name] = converted.values if converted else columns[name]
            found = [
                converted.faults if converted else None,
                _nul_faults(staged[name]),
                _null_faults(staged[name], column),
            ]
            faults += [(name, fault) for fault in found if fault is not None]
        return staged, faults

    def _require_declared(self, columns: dict[str, pa.Array]) -> None:
        missing = [name for name in self._staged if name not in columns]
        undeclared = [name for name in columns if name not in self._staged]
        if missing or undeclared:
            raise ConfigError(
                f"{self._table.qualified_name}: the steps of 'prepare' and the columns of 'derived' "
                f"do not agree: declared but not made: {missing or 'none'}; "
                f"made but not declared: {undeclared or 'none'}.",
                "Add the step, or the column under 'derived' with its type.",
            )

    def _cursor(self, batch: pa.RecordBatch, places: pa.Array) -> pa.Array:
        if CURSOR not in batch.schema.names:
            return pa.nulls(len(places), pa.string())
        return _taken(batch.column(CURSOR).cast(pa.string()), places)

    def _where(self, name: str) -> str:
        return f"{self._table.qualified_name}.{name}"


@dataclass(frozen=True, slots=True)
class _Rows:
    """Columns of the rows of a batch that are left, and the place of each row in the batch."""

    columns: dict[str, pa.Array]
    places: pa.Array


class _Refused:
    """The rows of one batch that are refused, by place: the first column to blame and the reason."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch
        self._first: dict[int, tuple[str | None, str]] = {}

    def add(self, places: Iterable[int], columns: Iterable[str | None], reasons: Iterable[str]) -> None:
        """Refuse rows; of one that is refused already the reason stays."""
        for place, column, reason in zip(places, columns, reasons, strict=True):
            self._first.setdefault(place, (column, reason))

    def part(self, rows: _Rows, faults: Faults) -> _Rows:
        """The rows without a fault; those with one are refused."""
        if not faults:
            return rows
        for name, reasons in faults:
            blamed = pc.is_valid(reasons)
            places = rows.places.filter(blamed).to_pylist()
            self.add(places, [name] * len(places), pc.drop_null(reasons).to_pylist())
        good = reduce(pc.and_, [pc.is_null(reasons) for _, reasons in faults])
        columns = {name: values.filter(good) for name, values in rows.columns.items()}
        return _Rows(columns, rows.places.filter(good))

    def payloads(self) -> pa.RecordBatch:
        """The refused rows as they were landed, in their order."""
        if not self._first:
            return _NO_REJECTS
        places = sorted(self._first)
        names, reasons = zip(*[self._first[place] for place in places], strict=True)
        landed = self._batch.select([name for name in self._batch.schema.names if name != FAULT])
        texts = row_payloads(landed.take(pa.array(places)))
        return pa.RecordBatch.from_arrays(
            [pa.array(column, pa.string()) for column in (texts, names, reasons)], schema=REJECTS_SCHEMA
        )


def _with_nulls(values: pa.Array, texts: tuple[str, ...], where: str) -> pa.Array:
    if not texts:
        return values
    is_null_text = pc.is_in(convert(values, "text", where).values, pa.array(texts))
    return pc.if_else(is_null_text, pa.scalar(None, values.type), values)


def _nul_faults(values: pa.Array) -> pa.Array | None:
    if not pa.types.is_string(values.type):
        return None
    return _faults_where(
        pc.match_substring(values, "\x00"), "holds the character NUL, which PostgreSQL cannot store"
    )


def _null_faults(values: pa.Array, column: Column) -> pa.Array | None:
    if column.nullable or values.null_count == 0:
        return None
    return _faults_where(pc.is_null(values), "is NULL, but the column is declared as never NULL")


def _faults_where(mask: pa.Array, reason: str) -> pa.Array | None:
    if not pc.any(mask).as_py():
        return None
    return pc.if_else(pc.fill_null(mask, False), pa.scalar(reason), pa.scalar(None, pa.string()))


def _taken(values: pa.Array, places: pa.Array) -> pa.Array:
    return values if len(values) == len(places) else values.take(places)
