"""The schema of the warehouse: one source of truth, applied by versioned revisions.

``sql/warehouse/postgresql`` holds each object as it should be, in files that can be applied again.
The first revision applies them; a later revision brings an older warehouse to the same shape, with
its data and history kept. An upgraded warehouse equals a fresh one.
"""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import psycopg2
import sqlalchemy
import sqlalchemy.exc
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from etl.catalog import Catalog
from etl.errors import ConfigError
from etl.settings import Settings
from etl.warehouse.postgresql.catalog_shape import match_catalog
from etl.warehouse.postgresql.connection import connect, open_connection
from etl.warehouse.postgresql.statements import SQL_DIR, render

MIGRATIONS_DIR = SQL_DIR / "migrations"
OBJECT_FOLDERS = ("schemas", "audit", "dimensions", "facts", "functions")
LOCK_NAME = "storehouse:migrate"
_REFERENCE = re.compile(r"\breferences \w+\.(\w+)")


def migrate(url: str, settings: Settings, catalog: Catalog) -> list[str]:
    """Bring the warehouse to the newest revision and to the shape of the catalog.

    Returns:
        Revisions applied, oldest first; none when the warehouse was up to date.

    Raises:
        ConfigError: The warehouse is of a newer revision than this code knows.
    """
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg2://", creator=lambda: open_connection(url, settings)
    )
    try:
        with engine.begin() as connection:
            connection.execute(
                sqlalchemy.text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"),
                {"name": LOCK_NAME},
            )
            applied = _upgrade(connection)
    except sqlalchemy.exc.DBAPIError as error:
        if isinstance(error.orig, psycopg2.Error):
            raise error.orig from None
        raise
    finally:
        engine.dispose()
    with connect(url, settings) as raw, raw.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (LOCK_NAME,))
        match_catalog(cursor, catalog)
    return applied


def apply_objects(connection: sqlalchemy.Connection) -> None:
    """Apply every object file; what is there already stays as it is."""
    for folder in OBJECT_FOLDERS:
        for path in _in_order(folder):
            connection.exec_driver_sql(render(str(path.relative_to(SQL_DIR))).replace("%", "%%"))


def _in_order(folder: str) -> list[Path]:
    """Files so that what others of the folder refer to stands before them."""
    paths = {path.stem: path for path in sorted((SQL_DIR / folder).glob("*.sql"))}
    referred = {name: set(_REFERENCE.findall(path.read_text("utf-8"))) for name, path in paths.items()}
    order = TopologicalSorter({name: others & (paths.keys() - {name}) for name, others in referred.items()})
    return [paths[name] for name in order.static_order()]


def _upgrade(connection: sqlalchemy.Connection) -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_DIR).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    current = _current_revision(connection)
    known = [script.revision for script in scripts.walk_revisions()]
    if current is not None and current not in known:
        raise ConfigError(
            f"The warehouse is at revision {current}, which this code does not know"
            f" (newest known: {scripts.get_current_head()}).",
            "Update the project's code; a warehouse is never taken back.",
        )
    if current == scripts.get_current_head():
        return []
    command.upgrade(config, "head")
    pending: list[str] = known[: known.index(current)] if current else known
    return list(reversed(pending))


def _current_revision(connection: sqlalchemy.Connection) -> str | None:
    options: dict[str, Any] = {"version_table_schema": "audit"}
    connection.execute(sqlalchemy.text("create schema if not exists audit"))
    return MigrationContext.configure(connection, opts=options).get_current_revision()
