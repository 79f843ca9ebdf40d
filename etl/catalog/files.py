"""Files: which files of a folder belong to a table and how each is read (law X11)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from etl.catalog.model import Model


class Csv(Model):
    """Delimited text; header names are matched with the columns' source names."""

    kind: Literal["csv"]
    delimiter: str = Field(",", min_length=1, max_length=1)
    quote: str = Field('"', min_length=1, max_length=1)
    escape: str | None = Field(None, min_length=1, max_length=1)
    encoding: str = "utf-8"
    header_row: int | None = Field(1, ge=1, description="Line of the header; none = columns by position")
    comment: str | None = Field(None, description="Lines that begin with it are left out")


class FixedWidth(Model):
    """Lines with columns at fixed places; ``widths`` in characters, in the order of the columns."""

    kind: Literal["fixed"]
    widths: dict[str, int]
    encoding: str = "utf-8"
    skip_rows: int = Field(0, ge=0)


class Excel(Model):
    """A workbook: .xlsx, .xls or .ods."""

    kind: Literal["excel"]
    sheet: str | None = Field(None, description="Name of the sheet; none = all that have the header")
    header_row: int = Field(1, ge=1)


class Json(Model):
    """JSON: an array of records at ``data``, or one record a line."""

    kind: Literal["json"]
    lines: bool = False
    data: tuple[str, ...] = ()


class Xml(Model):
    """XML: every element at ``record`` is a row; its child elements and attributes are columns.

    Attributes:
        record: Path of element names from the root's children, separated by slashes.
        namespaces: Prefix -> URI, for prefixes in ``record`` and source names.
    """

    kind: Literal["xml"]
    record: str
    namespaces: dict[str, str] = Field(default_factory=dict)


class Parquet(Model):
    """Apache Parquet."""

    kind: Literal["parquet"]


FileFormat = Annotated[Csv | FixedWidth | Excel | Json | Xml | Parquet, Field(discriminator="kind")]


class FileSet(Model):
    """Files of a folder that are rows of one table; each content is loaded exactly once.

    The landed columns ``_source_file`` (path below the source's URL), ``_source_row`` (1 for the first
    row) and ``_source_modified_at`` can be declared as columns by these source names.

    Attributes:
        pattern: Path below the source's URL with ``*``, ``**`` and ``?``; ``.gz`` and ``.zip`` are unpacked.
        stable_seconds: A file that changed less than this ago is still being written, and waits.
    """

    pattern: str
    format: FileFormat
    stable_seconds: float = Field(2, ge=0)
