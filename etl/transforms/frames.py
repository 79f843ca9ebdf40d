"""Columns in and out of pandas frames on Arrow types, without copying."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from etl.errors import ConfigError
from etl.landed_columns import FAULT, FAULT_COLUMN


def column_of(frame: pd.DataFrame, name: str, step: str) -> pa.Array:
    """A column as one Arrow array.

    Raises:
        ConfigError: The frame has no such column.
    """
    if name not in frame.columns:
        raise ConfigError(
            f"The step {step} names the column {name!r}, which neither the table nor an earlier step has.",
            "Correct the name under 'prepare' in the table's catalog file.",
        )
    values = pa.Array.from_pandas(frame[name])
    if not isinstance(values, pa.ChunkedArray):
        return values
    return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()


def text_of(frame: pd.DataFrame, name: str, step: str) -> pa.Array:
    """A text column as one Arrow array.

    Raises:
        ConfigError: There is no such column, or it does not hold text.
    """
    values = column_of(frame, name, step)
    if pa.types.is_string(values.type):
        return values
    raise ConfigError(
        f"The step {step} works on text, but the column {name!r} is {values.type}.",
        "Name a text column, or declare the column as text.",
    )


def with_column(frame: pd.DataFrame, name: str, values: pa.Array) -> pd.DataFrame:
    """The frame with one more or one replaced column; the given frame stays as it is."""
    return frame.assign(**{name: pd.Series(pd.arrays.ArrowExtensionArray(values), index=frame.index)})


def with_faults(frame: pd.DataFrame, column: str, faults: pa.Array | None) -> pd.DataFrame:
    """The frame with the faults of a column beside its rows; of several faults of a row the first counts.

    Args:
        column: The column to blame.
        faults: Reason per row, NULL where all is well; None where no row has a fault.
    """
    if faults is None or faults.null_count == len(faults):
        return frame
    blamed = pc.if_else(pc.is_valid(faults), pa.scalar(column), pa.scalar(None, pa.string()))
    if FAULT in frame.columns:
        faults = pc.coalesce(column_of(frame, FAULT, column), faults)
        blamed = pc.coalesce(column_of(frame, FAULT_COLUMN, column), blamed)
    return with_column(with_column(frame, FAULT, faults), FAULT_COLUMN, blamed)


def on_distinct(values: pa.Array, change: Callable[[str], str | None]) -> pa.Array:
    """Run a Python function once per distinct text; NULL stays NULL."""
    encoded = values.dictionary_encode()
    changed = pa.array([change(text) for text in encoded.dictionary.to_pylist()], pa.string())
    return changed.take(encoded.indices)
