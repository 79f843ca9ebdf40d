"""Files: which files of a folder belong to a table and how each is read (laws X11, P4)."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from etl.catalog.model import Model

if TYPE_CHECKING:
    from etl.catalog.tables import Column

# What a file says of itself; a column takes one of these as its source_name.
LANDED_COLUMNS = ("_source_file", "_source_part", "_source_row", "_source_modified_at")
_XML_LABEL = re.compile(r"^(?:\.|(?:\.\./)+@[^/@]+|(?:[^/@.][^/@]*/)*@?[^/@.][^/@]*)$")


def _known_encoding(name: str) -> str:
    try:
        is_text = codecs.lookup(name)._is_text_encoding
    except LookupError:
        is_text = False
    if not is_text:
        raise ValueError(f"'{name}' is no encoding; use a name such as utf-8, utf-16, latin-1 or cp1252")
    return name


def _known_pattern(pattern: str) -> str:
    if pattern.startswith("/") or {"", ".", ".."} & set(pattern.split("/")):
        raise ValueError(f"'{pattern}' is no path below the source's URL, such as inventory/*.csv")
    return pattern


Encoding = Annotated[str, AfterValidator(_known_encoding)]
Sign = Annotated[str, StringConstraints(pattern=r"^[^\r\n]$")]
Pattern = Annotated[str, AfterValidator(_known_pattern)]


class Csv(Model):
    """Delimited text; names of the header are matched with the columns' source names.

    Attributes:
        quote: None where quotes are data like any other sign.
        escape: Sign before a quote, or delimiter, that is data; doubled quotes are understood without it.
        encoding: A byte order mark in a file says more than this.
    """

    kind: Literal["csv"]
    delimiter: Sign = ","
    quote: Sign | None = '"'
    escape: Sign | None = None
    encoding: Encoding = "utf-8"
    header_row: int | None = Field(
        1, ge=1, description="Line of the header, comments not counted; none = columns by position"
    )
    comment: str | None = Field(None, min_length=1, description="Lines that begin with it are left out")


class FixedWidth(Model):
    """Lines with columns at fixed places; spaces around a value are no part of it.

    Attributes:
        widths: Source name -> width in characters, in the order of the line; a name that no column has is
            a place that is left out.
    """

    kind: Literal["fixed"]
    widths: dict[str, Annotated[int, Field(ge=1)]] = Field(min_length=1)
    encoding: Encoding = "utf-8"
    skip_rows: int = Field(0, ge=0, description="Lines before the first row")


class Excel(Model):
    """A workbook: .xlsx, .xls or .ods."""

    kind: Literal["excel"]
    sheet: str | None = Field(None, description="Name of the sheet; none = all that have the header")
    header_row: int = Field(1, ge=1)


class Json(Model):
    """JSON: an array of records, or one record, at ``data``; or one record a line.

    Columns ``of_parent`` are fields of the object that holds ``data``.
    """

    kind: Literal["json"]
    lines: bool = False
    data: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.lines and self.data:
            raise ValueError("with 'lines', each line is a record; 'data' has no place")
        return self


class Xml(Model):
    """XML: every element at ``record`` is a row; its child elements and attributes are columns.

    Source names: ``name`` (text of a child, ``a/b`` for one further in), ``@name`` (attribute), ``.``
    (the record's own text), ``../@name`` (attribute of the element around it, and so on outwards).

    Attributes:
        record: Path of element names below the root, separated by slashes; with a slash before it, the
            path begins with the root, and a file with another root is refused.
        namespaces: Prefix -> URI, for prefixes in ``record`` and source names; the empty prefix is that
            of elements without one.
    """

    kind: Literal["xml"]
    record: str = Field(pattern=r"^/?[^/]+(/[^/]+)*$")
    namespaces: dict[str, str] = Field(default_factory=dict)

    @property
    def prefixes(self) -> set[str]:
        """Prefixes of the record's path."""
        return _prefixes(self.record)


class Parquet(Model):
    """Apache Parquet; values keep their types where the declared one can be made of them."""

    kind: Literal["parquet"]


FileFormat = Annotated[Csv | FixedWidth | Excel | Json | Xml | Parquet, Field(discriminator="kind")]


class Limits(Model):
    """What one file may ask of the machine; one that asks for more is quarantined (law P4)."""

    members: int = Field(1_000, ge=1, description="Files in an archive or workbook")
    unpacked_bytes: int = Field(20 * 1024**3, ge=1, description="Of all that one file unpacks to")
    ratio: int = Field(200, ge=1, description="Unpacked size by packed size, beyond 64 MB")
    workbook_bytes: int = Field(64 * 1024**2, ge=1, description="Size of a workbook, which is read whole")
    workbook_memory_bytes: int = Field(2 * 1024**3, ge=1, description="Memory in which a workbook is read")


class FileSet(Model):
    """Files of a folder that are rows of one table; each content is loaded exactly once.

    What a file says of itself can be declared as columns by these source names: ``_source_file`` (path
    below the source's URL), ``_source_part`` (member of an archive, sheet of a workbook), ``_source_row``
    (1 for the file's first row) and ``_source_modified_at``.

    Attributes:
        pattern: Path, or paths, below the source's URL with ``*``, ``**`` and ``?``; ``.gz`` and ``.zip`` are
            unpacked. Over http, exact names.
        stable_seconds: A file that changed less than this ago is still being written, and waits.
    """

    pattern: Pattern | tuple[Pattern, ...] = Field(min_length=1)
    format: FileFormat
    stable_seconds: float = Field(2, ge=0)
    unused: tuple[str, ...] = Field(
        (), description="Columns of the files that are known and not read; they are no drift (law X12)"
    )
    limits: Limits = Limits()

    @property
    def patterns(self) -> tuple[str, ...]:
        """All patterns."""
        return (self.pattern,) if isinstance(self.pattern, str) else self.pattern

    def check_columns(self, columns: Mapping[str, Column]) -> None:
        """Refuse columns that the format cannot have.

        Raises:
            ValueError: Names the column and what is wrong with it.
        """
        for name, column in columns.items():
            label = column.source_name or name
            if label in LANDED_COLUMNS:
                continue
            if column.path and not isinstance(self.format, Json | Parquet):
                raise ValueError(
                    f"column '{name}': 'path' needs a format with nested values, json or parquet"
                )
            if column.of_parent and not (isinstance(self.format, Json) and not self.format.lines):
                raise ValueError(f"column '{name}': 'of_parent' needs a JSON document")
            if isinstance(self.format, FixedWidth) and label not in self.format.widths:
                raise ValueError(f"column '{name}': 'widths' has no {label}")
            if isinstance(self.format, Xml):
                _check_xml_label(name, label, self.format)


def _check_xml_label(name: str, label: str, xml: Xml) -> None:
    if not _XML_LABEL.match(label):
        raise ValueError(
            f"column '{name}': '{label}' is no place in an XML record; use name, a/b, @name, . or ../@name"
        )
    unknown = (xml.prefixes | _prefixes(label)) - set(xml.namespaces)
    if unknown:
        raise ValueError(f"column '{name}': 'namespaces' has no prefix {', '.join(sorted(unknown))}")


def _prefixes(path: str) -> set[str]:
    return {step.lstrip("@").partition(":")[0] for step in path.split("/") if ":" in step}
