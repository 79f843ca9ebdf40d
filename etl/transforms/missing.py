"""Missing values: filled with declared constants, or their rows dropped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from etl.catalog import Column, DropMissing, FillMissing
from etl.errors import ConfigError
from etl.transforms.frames import column_of, with_column
from etl.transforms.types import convert


def fill_missing(frame: pd.DataFrame, step: FillMissing, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Replace NULL by a constant of the column's own declared type; nothing else changes.

    Raises:
        ConfigError: A constant does not convert to its column's type.
    """
    for name, text in step.values.items():
        values = column_of(frame, name, step.step)
        frame = with_column(frame, name, pc.fill_null(values, _constant(name, text, columns[name].type)))
    return frame


def drop_missing(frame: pd.DataFrame, step: DropMissing) -> pd.DataFrame:
    """Leave out the rows with NULL in one of the columns; an empty text is no NULL (law X14)."""
    present = [pc.is_valid(column_of(frame, name, step.step)) for name in step.columns]
    kept: pd.DataFrame = frame[reduce(pc.and_, present).to_numpy(zero_copy_only=False)]
    return kept


def _constant(name: str, text: str, column_type: str) -> pa.Scalar:
    converted = convert(pa.array([text]), column_type, name)
    if converted.faults is not None:
        raise ConfigError(
            f"fill_missing: {text!r} for the column {name!r} {converted.faults[0]} ({column_type}).",
            'Give the constant as text in the column\'s own form, such as "0.00" for an amount.',
        )
    return converted.values[0]
