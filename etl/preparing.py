"""Prepares landed files: declared types, declared steps, and every refused row with its reason (law R3)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import perf_counter

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from etl.arrow_files import ArrowFileWriter, arrow_batches
from etl.catalog import Column, SourceTable
from etl.catalog_types import arrow_type
from etl.errors import ConfigError, ContractError
from etl.handles import LandedFile, PreparedFile
from etl.transforms import apply_steps
from etl.transforms.payload import row_payloads
from etl.transforms.types import convert

CURSOR = "_cursor"
# Why a source could not read a row whole, such as a line with too many fields: landed beside its values.
FAULT = "_fault"
REJECTS_SCHEMA = pa.schema({"payload": pa.string(), "column_name": pa.string(), "reason": pa.string()})
_NO_REJECTS = pa.RecordBatch.from_pylist([], schema=REJECTS_SCHEMA)

Faults = list[tuple[str | None, pa.Array]]


def prepare(landed: LandedFile, table: SourceTable, folder: Path, default_phone_region: str) -> PreparedFile:
    """Turn a landed file into what is staged, batch by batch (law X13).

    In this order: texts declared as NULL become NULL (law X14), columns get their declared types, the
    steps of ``table.prepare`` run, derived columns get theirs, and NOT NULL is checked. A row that
    fails anywhere is rejected once, with its first column and reason; every other row is kept, so that
    landed rows = prepared rows + rejected rows, whatever the batch size.

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
        seconds=perf_counter() - started,
    )


class _BatchPreparer:
    """Prepares batches of one table; knows nothing of other batches."""

    def __init__(self, table: SourceTable, is_keys: bool, default_phone_region: str) -> None:
        self._table = table
        self._region = default_phone_region
        self._landed = {name: table.columns[name] for name in table.key} if is_keys else dict(table.columns)
        self._staged: Mapping[str, Column] = self._landed if is_keys else table.prepared_columns
        self._has_steps = bool(table.prepare) and not is_keys
        fields = {name: arrow_type(column.type) for name, column in self._staged.items()}
        self.schema = pa.schema({**fields, CURSOR: pa.string()})

    def prepare(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        """The rows to stage, and the rejected ones."""
        columns, faults = self._convert_landed(batch)
        if FAULT in batch.schema.names:
            faults.insert(0, (None, batch.column(FAULT)))
        if self._has_steps:
            columns = self._apply_steps(columns)
        columns, later = self._check_staged(columns)
        arrays = [*columns.values(), self._cursor(batch)]
        whole = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
        return _split(batch, whole, [*faults, *later])

    def _convert_landed(self, batch: pa.RecordBatch) -> tuple[dict[str, pa.Array], Faults]:
        columns: dict[str, pa.Array] = {}
        faults: Faults = []
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

    def _apply_steps(self, columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
        frame = pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype)
        done = pa.Table.from_pandas(apply_steps(frame, self._table, self._region), preserve_index=False)
        return {name: done.column(name).combine_chunks() for name in done.column_names}

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

    def _cursor(self, batch: pa.RecordBatch) -> pa.Array:
        if CURSOR not in batch.schema.names:
            return pa.nulls(batch.num_rows, pa.string())
        return batch.column(CURSOR).cast(pa.string())

    def _where(self, name: str) -> str:
        return f"{self._table.qualified_name}.{name}"


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


def _split(
    batch: pa.RecordBatch, whole: pa.RecordBatch, faults: Faults
) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Part the rows by the first fault of each."""
    if not faults:
        return whole, _NO_REJECTS
    reasons = pc.coalesce(*[fault for _, fault in faults])
    names = pc.coalesce(
        *[
            pc.if_else(pc.is_valid(f), pa.scalar(n, pa.string()), pa.scalar(None, pa.string()))
            for n, f in faults
        ]
    )
    refused = pc.is_valid(reasons)
    landed = batch.select([name for name in batch.schema.names if name != FAULT])
    payloads = pa.array(row_payloads(landed.filter(refused)), pa.string())
    rejects = pa.RecordBatch.from_arrays(
        [payloads, names.filter(refused), reasons.filter(refused)], schema=REJECTS_SCHEMA
    )
    return whole.filter(pc.invert(refused)), rejects
