"""The columns of a select and the Arrow types in which they land, made from the source's own metadata.

Every value travels as text in CSV, quoted where it is a text, so that NULL and the empty string stay
apart (law X14); what a text means is said by the type here. docs/sources.md has the table of types.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from etl.catalog import SourceTable
from etl.catalog_types import arrow_type
from etl.sources.dialect import Dialect
from etl.sources.json_paths import path_expression
from etl.sources.metadata import Family, SourceColumn, find_column
from etl.sources.metadata_mysql import GEOMETRIES

INSTANT = pa.timestamp("us", "UTC")

# How the text of a column becomes its landed values; see etl/sources/csv_blocks.py.
Reading = Literal["plain", "wide_decimal", "hex", "local", "utc", "missing"]
_TYPES: dict[Family, tuple[pa.DataType, Reading]] = {
    "integer": (pa.int64(), "plain"),
    "float": (pa.float64(), "plain"),
    "boolean": (pa.bool_(), "plain"),
    "date": (pa.date32(), "plain"),
    "timestamp": (INSTANT, "local"),
    "timestamptz": (INSTANT, "utc"),
    "bytes": (pa.binary(), "hex"),
}
_MAX_CSV_DIGITS = 38
_MYSQL_TEXT_DIGITS = 65
_SHORT_TEXT_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class LandedColumn:
    """One column of the select list.

    Attributes:
        name: Name in the landed file, that of the catalog.
        type: Arrow type in the landed file.
        reading: ``plain`` values of the type, decimals of more than 38 digits, bytes in hexadecimal, times on
            the clock of the source (``local``) or in UTC, or a column that the source no longer has.
        expression: What is selected.
        as_text: A column whose values do not all fit the type that is its own; lands as text, so that
            preparation can reject the rows one by one.
        may_be_zero: A date that may be no date at all (MySQL's zero dates), to become NULL and be counted.
        sent: MySQL only: as CSV that needs no quotes, or as a text or bytes that the reading process quotes.
    """

    name: str
    type: pa.DataType
    reading: Reading
    expression: str
    as_text: bool = False
    may_be_zero: bool = False
    sent: Literal["csv", "text", "bytes"] = "csv"

    @property
    def csv_type(self) -> pa.DataType:
        """The type in which the text is first read."""
        if self.as_text or self.reading in ("hex", "wide_decimal"):
            return pa.string()
        return pa.timestamp("us") if self.reading in ("local", "utc") else self.type


def selected_columns(
    table: SourceTable,
    columns: dict[str, SourceColumn],
    dialect: Dialect,
    as_text: frozenset[str] = frozenset(),
) -> list[LandedColumn]:
    """The declared columns in their order, then, where the table follows its source, the new ones (law X12).

    Args:
        table: The declaration.
        columns: What the source has, by its own names.
        dialect: How the source writes names and values.
        as_text: Catalog names of columns that hold values which their types cannot, in this extract.
    """
    landed = []
    for name, declared in table.columns.items():
        column = find_column(columns, declared.source_name or name, dialect.is_mysql)
        if column is None:
            landed.append(
                LandedColumn(name, arrow_type(declared.type), "missing", "''" if dialect.is_mysql else "null")
            )
        elif declared.path:
            value = path_expression(column, declared.path, dialect)
            landed.append(LandedColumn(name, pa.string(), "plain", value, sent="text"))
        else:
            landed.append(_landed(name, declared.type, column, table, dialect, name in as_text))
    if table.drift == "evolve":
        landed += [
            _landed(c.name, None, c, table, dialect, c.name in as_text)
            for c in new_columns(table, columns, dialect)
            if c.name not in table.columns
        ]
    return landed


def new_columns(table: SourceTable, columns: dict[str, SourceColumn], dialect: Dialect) -> list[SourceColumn]:
    """Columns of the source that the catalog does not declare."""
    found = (
        find_column(columns, c.source_name or name, dialect.is_mysql) for name, c in table.columns.items()
    )
    known = {column.name for column in found if column is not None}
    return [column for name, column in columns.items() if name not in known]


def text_risks(
    landed: list[LandedColumn], table: SourceTable, columns: dict[str, SourceColumn], dialect: Dialect
) -> dict[str, str]:
    """Catalog name -> condition that is true for a value which the column's Arrow type cannot hold.

    PostgreSQL only: ``NaN`` among decimals, infinity and years beyond 1 to 9999 among dates.
    """
    risks = {}
    for item in landed:
        declared = table.columns.get(item.name)
        column = columns.get((declared and declared.source_name) or item.name)
        if column is None or item.reading == "missing" or pa.types.is_string(item.type):
            continue
        quoted = dialect.quote(column.name)
        if column.family == "decimal":
            risks[item.name] = f"{quoted} = 'NaN'"
        elif column.family in ("date", "timestamp", "timestamptz"):
            risks[item.name] = f"{quoted} < '0001-01-01' or {quoted} >= '10000-01-01'"
    return risks


def _landed(
    name: str, declared: str | None, column: SourceColumn, table: SourceTable, dialect: Dialect, as_text: bool
) -> LandedColumn:
    if dialect.is_mysql:
        return _mysql_column(name, declared, column, table, dialect.quote(column.name))
    return _postgresql_column(name, declared, column, dialect.quote(column.name), as_text)


def _postgresql_column(
    name: str, declared: str | None, column: SourceColumn, quoted: str, as_text: bool
) -> LandedColumn:
    kind, reading = _type_of(column, declared)
    expression = {
        "timestamptz": f"timezone('UTC', {quoted})",
        # An interval, because a time may be 24:00:00; two digits of hours and six of the fraction always.
        "time": f"to_char({quoted}::interval, 'HH24:MI:SS.US')",
        "bytes": f"encode({quoted}, 'hex')",
    }.get(column.family, quoted)
    expression = {
        "money": f"{quoted}::numeric",
        "array": f"array_to_json({quoted})",
        "bpchar": f"{quoted}::text",
        "float4": quoted if pa.types.is_string(kind) else f"{quoted}::float8",
    }.get(column.kind, expression)
    if as_text and not pa.types.is_string(kind):
        return LandedColumn(name, pa.string(), reading, expression, as_text=True)
    return LandedColumn(name, kind, reading, expression)


def _mysql_column(
    name: str, declared: str | None, column: SourceColumn, table: SourceTable, quoted: str
) -> LandedColumn:
    kind, reading = _type_of(column, declared)
    if column.family == "bytes" or column.kind in GEOMETRIES:
        return LandedColumn(name, kind, reading, quoted, sent="bytes")
    if column.family in ("text", "json", "uuid"):
        is_short = column.longest_bytes is not None and column.longest_bytes <= _SHORT_TEXT_BYTES
        if column.family == "text" and is_short:
            return LandedColumn(name, kind, reading, _quoted_text(quoted))
        return LandedColumn(name, kind, reading, quoted, sent="text")
    is_date = column.family in ("date", "timestamp", "timestamptz")
    if is_date and table.zero_dates == "reject":
        text = _mysql_text(column, quoted, as_number=False)
        return LandedColumn(name, pa.string(), reading, text, as_text=True)
    text = _mysql_text(column, quoted, as_number=not pa.types.is_string(kind))
    return LandedColumn(name, kind, reading, text, may_be_zero=is_date and not pa.types.is_string(kind))


def _quoted_text(quoted: str) -> str:
    """A short text, quoted for CSV by the server; as bytes, which have no collation to disagree about.

    It saves the reading process half of its work. In a long text with many quotes ``replace`` of MariaDB
    would take quadratic time.
    """
    text = f"replace(cast(convert({quoted} using utf8mb4) as binary), '\"', '\"\"')"
    return f"ifnull(concat('\"', {text}, '\"'), '')"


def _mysql_text(column: SourceColumn, quoted: str, as_number: bool) -> str:
    """The text of a number, date or time, which needs no quotes in CSV; empty for NULL."""
    plain = {
        "bit": f"{quoted} + 0",
        # As a double: the text of a single is cut to six digits.
        "float": f"{quoted} + 0e0" if as_number else quoted,
        "time": f"time_format({quoted}, '%H:%i:%s.%f')",
    }.get(column.kind, quoted)
    return f"ifnull({plain}, '')" if column.nullable else plain


def _type_of(column: SourceColumn, declared: str | None) -> tuple[pa.DataType, Reading]:
    """The Arrow type of a column, and how its text is read."""
    if declared == "text" and column.family not in ("bytes", "timestamp", "timestamptz"):
        return pa.string(), "plain"
    # Law F2: the source's own decimal text decides, also where the source column is a float.
    if column.family == "float" and (declared or "").startswith("decimal"):
        return pa.string(), "plain"
    if column.family == "decimal":
        return _decimal_type(column, declared)
    return _TYPES.get(column.family, (pa.string(), "plain"))


def _decimal_type(column: SourceColumn, declared: str | None) -> tuple[pa.DataType, Reading]:
    """Exact decimals; a numeric without a declared scale lands as text, because each value has its own."""
    if column.scale is None:
        return pa.string(), "plain"
    digits = column.digits
    if digits is None:
        wanted = arrow_type(declared) if (declared or "").startswith("decimal") and declared else None
        digits = (
            _MAX_CSV_DIGITS if wanted is None or wanted.precision <= _MAX_CSV_DIGITS else _MYSQL_TEXT_DIGITS
        )
    if digits <= _MAX_CSV_DIGITS:
        return pa.decimal128(digits, column.scale), "plain"
    # Arrow has no decimal of more than 76 digits; PostgreSQL has.
    return (pa.decimal256(digits, column.scale), "wide_decimal") if digits <= 76 else (pa.string(), "plain")
