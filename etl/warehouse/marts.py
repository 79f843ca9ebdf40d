"""Builds the marts from their SQL files, so that a reader never sees half of one (law F8).

Each file ``marts/mart_<subject>.sql`` starts with a header and holds plain SQL of its system that names
the mart without a schema; ``docs/marts.md`` shows how to write one. Tables are built in a schema beside
``marts`` and moved in together at the end. How that is done differs, see :class:`MartBuilding`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from time import perf_counter
from typing import Literal

from etl.errors import ConfigError
from etl.handles import TableOutcome
from etl.warehouse.database import Session

SCHEMA = "marts"
BUILD_SCHEMA = "marts__new"
FIELDS = ("grain", "reads", "refresh")
Refresh = Literal["table", "view"]
STATEMENTS: dict[str, tuple[Refresh, str]] = {
    "table": ("table", "create table"),
    "view": ("view", "create or replace view"),
}
READABLE = re.compile(r"warehouse\.(fact|dim)_\w+")

_HEADER_LINE = re.compile(r"-- ?(\w+):\s*(.*\S)\s*")
_CONTINUED = re.compile(r"--\s{2,}(.*\S)\s*")
_QUALIFIED = re.compile(r"\b((?:warehouse|history|staging|audit|marts)\.\w+)")
_REMEDY = "Correct the file; docs/marts.md shows what a mart's file looks like."


@dataclass(frozen=True, slots=True)
class Mart:
    """One mart as its file declares it."""

    name: str
    path: Path
    grain: str
    reads: tuple[str, ...]
    refresh: Refresh
    sql: str


class MartBuilding(ABC):
    """How a system builds marts aside and puts them where people read, all at once."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @abstractmethod
    def room(self) -> AbstractContextManager[None]:
        """Room to build in, without what a refresh that was killed left there."""

    @abstractmethod
    def build(self, mart: Mart) -> int:
        """Run the file of a mart; returns the number of rows of a table, 0 for a view."""

    @abstractmethod
    def publish(self, marts: list[Mart]) -> None:
        """Put what was built in the place of what stands there."""


def refresh_marts(
    session: Session, sql_folder: Path, changed: Collection[str] | None = None
) -> list[TableOutcome]:
    """Build marts of ``sql_folder`` anew.

    Readers see the old marts until all new ones take their places at once: on PostgreSQL when the caller
    commits, so that they are kept waiting no longer than from the moves to the commit; on MySQL, which
    commits with every definition, at the end of this function.

    Args:
        session: Of the warehouse, not in autocommit mode; on MySQL what it did before is committed.
        sql_folder: The folder with one ``mart_<subject>.sql`` per mart.
        changed: Facts and dimensions that may have changed, as ``warehouse.<relation>``: marts that read
            none of them stay, unless they are not there yet. None = all are built.

    Returns:
        One outcome per mart; ``inserted`` is the number of rows of a table, 0 for a view.

    Raises:
        ConfigError: A file has no header or a wrong one, reads something that is neither a fact nor a
            dimension, or is not SQL that the warehouse takes; names file and line.
        TransientError: The connection was lost, or a reader did not let go of a mart in time.
    """
    marts = read_marts(sql_folder)
    session.hold("storehouse:marts")
    marts = [mart for mart in marts if _is_due(session, mart, changed)]
    building = session.database.mart_building(session)
    with building.room():
        outcomes = [_build(building, mart) for mart in marts]
        building.publish(marts)
    return outcomes


def read_marts(sql_folder: Path) -> list[Mart]:
    """The marts that the files of ``sql_folder`` declare, by name.

    Raises:
        ConfigError: A file has no header or a wrong one.
    """
    return [_read(path) for path in sorted(sql_folder.glob("*.sql"))]


@contextmanager
def explained(session: Session, mart: Mart) -> Iterator[None]:
    """Turn the driver's errors about a mart into errors of this project, with file and line.

    Raises:
        ConfigError: Its file is wrong, or somebody's view depends on it.
        TransientError: The connection was lost, or somebody else holds the mart.
    """
    try:
        yield
    except session.database.errors as error:
        database = session.database
        match database.refusal_of(error):
            case "depended on":
                raise ConfigError(
                    f"The mart {mart.name} cannot be replaced, others depend on it: "
                    f"{database.message_of(error)}.",
                    "Make the dependent view a mart of its own that reads facts and dimensions, and drop it.",
                ) from None
            case "wrong" | "value" | "other kind" | "not unique":
                line = database.place_of(error, mart.sql)
                raise ConfigError(f"{mart.path}:{line}: {database.message_of(error)}.", _REMEDY) from None
            case _:
                raise database.explain(error, f"The mart {mart.name}") from None


def _build(building: MartBuilding, mart: Mart) -> TableOutcome:
    started = perf_counter()
    with explained(building.session, mart):
        rows = building.build(mart)
    return TableOutcome(name=mart.name, role="mart", inserted=rows, seconds=perf_counter() - started)


def _is_due(session: Session, mart: Mart, changed: Collection[str] | None) -> bool:
    return changed is None or not set(mart.reads).isdisjoint(changed) or not session.exists(SCHEMA, mart.name)


def _read(path: Path) -> Mart:
    sql = path.read_text(encoding="utf-8")
    header = _header(path, sql)
    if not path.stem.startswith("mart_"):
        raise ConfigError(f"{path}: the name of a mart starts with 'mart_'.", "Rename the file.")
    if header["refresh"] not in STATEMENTS:
        raise ConfigError(f"{path}: refresh is '{header['refresh']}', expected 'table' or 'view'.", _REMEDY)
    refresh, create = STATEMENTS[header["refresh"]]
    start = f"{create} {path.stem}"
    # A definition of columns may stand before the query.
    if not re.search(rf"{start} (?:as\b|\()", " ".join(_without_comments(sql).lower().split())):
        raise ConfigError(
            f"{path}: expected a statement '{start} as …' for 'refresh: {refresh}', found none.", _REMEDY
        )
    reads = tuple(name.strip() for name in header["reads"].split(","))
    _check_reads(path, sql, reads)
    return Mart(path.stem, path, header["grain"], reads, refresh, sql)


def _header(path: Path, sql: str) -> dict[str, str]:
    """The fields of the comment at the top; a line indented by two blanks or more goes on with its field."""
    fields: dict[str, str] = {}
    name = ""
    for number, line in enumerate(sql.splitlines(), start=1):
        if name and (more := _CONTINUED.fullmatch(line)):
            fields[name] += f" {more.group(1)}"
            continue
        found = _HEADER_LINE.fullmatch(line)
        if found is None:
            break
        name = found.group(1)
        if name not in FIELDS or name in fields:
            raise _wrong_field(path, number, name)
        fields[name] = found.group(2)
    missing = [name for name in FIELDS if name not in fields]
    if missing:
        raise ConfigError(
            f"{path}: the header lacks {', '.join(f'-- {name}:' for name in missing)}.", _REMEDY
        )
    return fields


def _wrong_field(path: Path, line: int, name: str) -> ConfigError:
    near = get_close_matches(name, FIELDS, n=1)
    said = "stands in the header twice" if name in FIELDS else "is no field of the header"
    hint = f"; did you mean '{near[0]}'?" if near and name not in FIELDS else "."
    return ConfigError(f"{path}:{line}: '{name}' {said}{hint}", _REMEDY)


def _check_reads(path: Path, sql: str, reads: tuple[str, ...]) -> None:
    used = set(_QUALIFIED.findall(_without_comments(sql)))
    wrong = sorted(name for name in used.union(reads) if not READABLE.fullmatch(name))
    if wrong:
        raise ConfigError(
            f"{path}: reads {', '.join(wrong)}, but marts read only facts and dimensions (law F8).", _REMEDY
        )
    if used != set(reads):
        different = ", ".join(sorted(used.symmetric_difference(reads)))
        raise ConfigError(f"{path}: '-- reads:' and the statement differ in {different}.", _REMEDY)


def _without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*", "", sql)
