"""Builds the marts from their SQL files, so that a reader never sees half of one (law F8).

Each file ``marts/mart_<subject>.sql`` starts with a header and holds plain SQL that names the mart
without a schema; ``docs/marts.md`` shows how to write one. Tables are built in a schema beside
``marts`` and moved in together at the end; what was granted on the old one is granted on the new one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from time import perf_counter
from typing import Literal

import psycopg2
from psycopg2 import errors as database_errors
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from etl.errors import ConfigError
from etl.handles import TableOutcome
from etl.identifiers import quote_postgresql
from etl.warehouse.postgresql.connection import explain

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
# Two pipelines may refresh at one time; the second waits for the first (law R5).
_LOCK = "select pg_advisory_xact_lock(hashtext('storehouse'), hashtext('marts'))"
_KIND = """
select case relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end
from pg_class where oid = to_regclass(%s)
"""
_GRANTS = """
select
    privilege_type,
    is_grantable,
    case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end
from pg_class, aclexplode(relacl)
where pg_class.oid = %s::regclass and grantee <> relowner
"""


@dataclass(frozen=True, slots=True)
class Mart:
    """One mart as its file declares it."""

    name: str
    path: Path
    grain: str
    reads: tuple[str, ...]
    refresh: Refresh
    sql: str

    @property
    def relation(self) -> str:
        """Its quoted name in the schema that people read."""
        return quote_postgresql(SCHEMA, self.name)


@dataclass(frozen=True, slots=True)
class _Grant:
    privilege: str
    is_grantable: bool
    grantee: str


def refresh_marts(
    connection: Connection, sql_folder: Path, changed: Collection[str] | None = None
) -> list[TableOutcome]:
    """Build marts of ``sql_folder`` anew, within the caller's transaction, which this does not end.

    Readers see the old marts until the caller commits, and are kept waiting no longer than from the
    moves to the commit.

    Args:
        connection: To the warehouse, not in autocommit mode.
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
    if connection.autocommit:
        raise ConfigError(
            "Marts cannot be refreshed in autocommit mode: readers would see half of one.",
            "Pass a connection that commits when all marts are built.",
        )
    with connection.cursor() as cursor, _restored_search_path(cursor):
        cursor.execute(_LOCK)
        marts = [mart for mart in marts if _is_due(cursor, mart, changed)]
        with _build_schema(cursor):
            outcomes = [_build(cursor, mart) for mart in marts]
            for mart in marts:
                _publish(cursor, mart)
    return outcomes


def read_marts(sql_folder: Path) -> list[Mart]:
    """The marts that the files of ``sql_folder`` declare, by name.

    Raises:
        ConfigError: A file has no header or a wrong one.
    """
    return [_read(path) for path in sorted(sql_folder.glob("*.sql"))]


def _is_due(cursor: Cursor, mart: Mart, changed: Collection[str] | None) -> bool:
    return changed is None or not set(mart.reads).isdisjoint(changed) or _kind(cursor, mart) is None


def _read(path: Path) -> Mart:
    sql = path.read_text(encoding="utf-8")
    header = _header(path, sql)
    if not path.stem.startswith("mart_"):
        raise ConfigError(f"{path}: the name of a mart starts with 'mart_'.", "Rename the file.")
    if header["refresh"] not in STATEMENTS:
        raise ConfigError(f"{path}: refresh is '{header['refresh']}', expected 'table' or 'view'.", _REMEDY)
    refresh, create = STATEMENTS[header["refresh"]]
    start = f"{create} {path.stem} as"
    if start not in " ".join(_without_comments(sql).lower().split()):
        raise ConfigError(
            f"{path}: expected a statement '{start} …' for 'refresh: {refresh}', found none.", _REMEDY
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


@contextmanager
def _restored_search_path(cursor: Cursor) -> Iterator[None]:
    """A failed block leaves an aborted transaction, whose end restores the path by itself."""
    before = _scalar(cursor, "show search_path")
    yield
    _set_search_path(cursor, str(before))


@contextmanager
def _build_schema(cursor: Cursor) -> Iterator[None]:
    """Made and dropped within the transaction, unless a role without that right was given one."""
    stands_ready = _scalar(cursor, "select to_regnamespace(%s)", BUILD_SCHEMA) is not None
    if not stands_ready:
        cursor.execute(f"create schema {quote_postgresql(BUILD_SCHEMA)}")
    yield
    if not stands_ready:
        cursor.execute(f"drop schema {quote_postgresql(BUILD_SCHEMA)}")


def _build(cursor: Cursor, mart: Mart) -> TableOutcome:
    started = perf_counter()
    with _explained(mart):
        rows = _build_table(cursor, mart) if mart.refresh == "table" else _replace_view(cursor, mart)
    return TableOutcome(name=mart.name, role="mart", inserted=rows, seconds=perf_counter() - started)


def _build_table(cursor: Cursor, mart: Mart) -> int:
    # The first one is built in place, so that default privileges of the schema apply to it.
    schema = SCHEMA if _kind(cursor, mart) is None else BUILD_SCHEMA
    _run_file(cursor, mart, schema)
    built = quote_postgresql(schema, mart.name)
    cursor.execute(f"analyze {built}")
    return int(str(_scalar(cursor, f"select count(*) from {built}")))


def _replace_view(cursor: Cursor, mart: Mart) -> int:
    """``create or replace`` takes no view whose columns changed, and no table: those are dropped first."""
    cursor.execute("savepoint replace_view")
    try:
        _run_file(cursor, mart, SCHEMA)
    except (database_errors.InvalidTableDefinition, database_errors.WrongObjectType):
        cursor.execute("rollback to savepoint replace_view")
        grants = _drop(cursor, mart)
        _run_file(cursor, mart, SCHEMA)
        _grant(cursor, mart, grants)
    cursor.execute("release savepoint replace_view")
    return 0


def _publish(cursor: Cursor, mart: Mart) -> None:
    built = quote_postgresql(BUILD_SCHEMA, mart.name)
    if _scalar(cursor, "select to_regclass(%s)", built) is None:
        return
    with _explained(mart):
        grants = _drop(cursor, mart)
        cursor.execute(f"alter table {built} set schema {quote_postgresql(SCHEMA)}")
        _grant(cursor, mart, grants)


@contextmanager
def _explained(mart: Mart) -> Iterator[None]:
    try:
        yield
    except database_errors.DependentObjectsStillExist as error:
        raise ConfigError(
            f"The mart {mart.name} cannot be replaced, others depend on it: {error.diag.message_detail}.",
            "Make the dependent view a mart of its own that reads facts and dimensions, and drop it.",
        ) from None
    except database_errors.InsufficientPrivilege as error:
        raise explain(error, f"The mart {mart.name}") from None
    except (psycopg2.ProgrammingError, psycopg2.DataError) as error:
        line = mart.sql.count("\n", 0, int(error.diag.statement_position or 1) - 1) + 1
        raise ConfigError(f"{mart.path}:{line}: {error.diag.message_primary}.", _REMEDY) from None
    except psycopg2.Error as error:
        raise explain(error, f"The mart {mart.name}") from None


def _run_file(cursor: Cursor, mart: Mart, schema: str) -> None:
    _set_search_path(cursor, quote_postgresql(schema))
    cursor.execute(mart.sql)


def _drop(cursor: Cursor, mart: Mart) -> list[_Grant]:
    """Drop what stands under the mart's name, and say what was granted on it."""
    kind = _kind(cursor, mart)
    cursor.execute(_GRANTS, (mart.relation,))
    grants = [_Grant(*row) for row in cursor.fetchall()]
    cursor.execute(f"drop {kind} {mart.relation}")
    return grants


def _kind(cursor: Cursor, mart: Mart) -> str | None:
    found = _scalar(cursor, _KIND, mart.relation)
    return None if found is None else str(found)


def _grant(cursor: Cursor, mart: Mart, grants: list[_Grant]) -> None:
    for grant in grants:
        option = " with grant option" if grant.is_grantable else ""
        cursor.execute(f"grant {grant.privilege} on {mart.relation} to {grant.grantee}{option}")


def _set_search_path(cursor: Cursor, path: str) -> None:
    cursor.execute("select set_config('search_path', %s, true)", (path,))


def _scalar(cursor: Cursor, statement: str, *parameters: str) -> object:
    cursor.execute(statement, parameters or None)
    row = cursor.fetchone()
    return None if row is None else row[0]
