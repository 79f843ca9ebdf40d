"""Columns derived from others of the same row."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from etl.catalog import AgeGroup, BinNumbers
from etl.catalog_types import MAX_DECIMAL_DIGITS
from etl.errors import ConfigError
from etl.transforms.frames import column_of, with_column

# Both ages belong to their band.
AGE_BANDS = ((0, 17, "under 18"), (18, 25, "18-25"), (26, 35, "26-35"), (36, 50, "36-50"), (51, 65, "51-65"))
OLDEST_BAND = "over 65"


def age_group(frame: pd.DataFrame, step: AgeGroup) -> pd.DataFrame:
    """The band of the full years between a birth date and an instant of the row itself (law R4).

    NULL where either is NULL or the birth lies after the instant; days are those of UTC.

    Raises:
        ConfigError: ``birth_date`` is no date, or ``at`` neither a timestamp nor a date.
    """
    birth, at = (_days(frame, name) for name in (step.birth_date, step.at))
    return with_column(frame, step.into, bands_of(full_years(birth, at)))


def bin_numbers(frame: pd.DataFrame, step: BinNumbers) -> pd.DataFrame:
    """The label of the bin in which a number lies; NULL for NULL, for NaN and where no label is declared.

    Raises:
        ConfigError: The column holds no numbers.
    """
    numbers, edges = _comparable(column_of(frame, step.column, step.step), step)
    is_behind = pc.greater_equal if step.closed == "left" else pc.greater
    labels = pc.if_else(pc.is_valid(numbers), _label(step.below), _label(None))
    for edge, label in zip(edges, (*step.labels, step.above), strict=True):
        labels = pc.if_else(is_behind(numbers, edge), _label(label), labels)
    return with_column(frame, step.into, labels)


def full_years(birth: pa.Array, at: pa.Array) -> pa.Array:
    """Birthdays from ``birth`` to ``at`` (both dates); one of 29 February is 1 March in common years."""
    years = pc.subtract(pc.year(at), pc.year(birth))
    is_before_birthday = pc.less(_month_and_day(at), _month_and_day(birth))
    return pc.subtract(years, pc.cast(is_before_birthday, pa.int64()))


def bands_of(ages: pa.Array) -> pa.Array:
    """The age band per age; NULL for NULL and for negative ages."""
    groups = pc.if_else(pc.greater_equal(ages, 0), pa.scalar(OLDEST_BAND), pa.scalar(None, pa.string()))
    for low, high, label in AGE_BANDS:
        within = pc.and_(pc.greater_equal(ages, low), pc.less_equal(ages, high))
        groups = pc.if_else(within, pa.scalar(label), groups)
    return groups


def _comparable(numbers: pa.Array, step: BinNumbers) -> tuple[pa.Array, list[pa.Scalar]]:
    """Numbers and edges of one type that holds both exactly; NaN as NULL."""
    edges = [pa.scalar(edge) for edge in step.edges]
    if pa.types.is_floating(numbers.type):
        known = pc.if_else(pc.is_nan(numbers), pa.scalar(None, numbers.type), numbers)
        return known, [pa.scalar(float(edge)) for edge in step.edges]
    if pa.types.is_integer(numbers.type):
        return numbers, edges
    if pa.types.is_decimal(numbers.type):
        scale = max(numbers.type.scale, *(edge.type.scale for edge in edges))
        return numbers.cast(pa.decimal256(MAX_DECIMAL_DIGITS, scale)), edges
    raise ConfigError(
        f"The step bin_numbers needs numbers, but the column {step.column!r} is {numbers.type}.",
        "Declare the column with a type of numbers, or read it with parse_number before.",
    )


def _label(text: str | None) -> pa.Scalar:
    return pa.scalar(text, pa.string())


def _month_and_day(days: pa.Array) -> pa.Array:
    return pc.add(pc.multiply(pc.month(days), 100), pc.day(days))


def _days(frame: pd.DataFrame, name: str) -> pa.Array:
    values = column_of(frame, name, "age_group")
    if not (pa.types.is_timestamp(values.type) or pa.types.is_date(values.type)):
        raise ConfigError(
            f"The step age_group needs a date or a timestamp, but the column {name!r} is {values.type}.",
            "Declare the column as date or timestamp, or name another one.",
        )
    return values.cast(pa.date32())
