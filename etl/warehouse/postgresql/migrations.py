"""The schema of the warehouse: one source of truth, applied by versioned revisions.

``sql/warehouse/postgresql`` holds each object as it should be, in files that can be applied again.
The first revision applies them; a later revision brings an older warehouse to the same shape, with
its data and history kept. An upgraded warehouse equals a fresh one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg2.extensions import cursor as Cursor

from etl.catalog import Catalog, Dimension
from etl.catalog_types import postgresql_type
from etl.errors import ConfigError
from etl.settings import Settings
from etl.warehouse.postgresql.connection import connect, open_connection
from etl.warehouse.postgresql.dimensions import create_history
from etl.warehouse.postgresql.statements import SQL_DIR, render

MIGRATIONS_DIR = SQL_DIR / "migrations"
OBJECT_FOLDERS = ("schemas", "audit", "dimensions", "facts")
SPECIAL_MEMBERS = {-1: "(unknown)", -2: "(not applicable)"}
LOCK_NAME = "storehouse:migrate"


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
    finally:
        engine.dispose()
    with connect(url, settings) as raw, raw.cursor() as cursor:
        for dimension in catalog.dimensions_in_order():
            _match_catalog(cursor, dimension)
    return applied


def apply_objects(connection: sqlalchemy.Connection) -> None:
    """Apply every object file; what is there already stays as it is."""
    for folder in OBJECT_FOLDERS:
        for path in _in_order(folder):
            connection.exec_driver_sql(render(str(path.relative_to(SQL_DIR))).replace("%", "%%"))


def _in_order(folder: str) -> list[Path]:
    """Files by name, those that others refer to first."""
    referred = ("runs.sql", "dim_brand.sql", "dim_category.sql")
    return sorted((SQL_DIR / folder).glob("*.sql"), key=lambda path: (path.name not in referred, path.name))


def _upgrade(connection: sqlalchemy.Connection) -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_DIR).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    current = _current_revision(connection)
    known = [script.revision for script in scripts.walk_revisions()]
    if current is not None and current not in known:
        raise ConfigError(
            f"The warehouse is at revision {current}, which this code does not know (newest known: {scripts.get_current_head()}).",
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


def _match_catalog(cursor: Cursor, dimension: Dimension) -> None:
    """Create the history, add columns that the catalog gained, and see that the special members exist."""
    if _columns(cursor, "history", dimension.name) < set(dimension.attributes) or not _columns(
        cursor, "history", dimension.name
    ):
        create_history(cursor, dimension)
    missing = {a: postgresql_type(v.type) for a, v in dimension.attributes.items()}
    for column in missing.keys() - _columns(cursor, "warehouse", dimension.relation):
        cursor.execute(
            render(
                "merges/dimension/add_column.sql",
                relation=dimension.relation,
                column=column,
                type=missing[column],
            )
        )
    texts = [a for a, v in dimension.attributes.items() if v.type == "text"]
    for member, label in SPECIAL_MEMBERS.items():
        statement = render(
            "merges/dimension/special_member.sql",
            relation=dimension.relation,
            surrogate=dimension.surrogate,
            texts=texts,
        )
        cursor.execute(statement, {"member": member, "label": label})


def _columns(cursor: Cursor, schema: str, relation: str) -> set[str]:
    cursor.execute(
        "select column_name from information_schema.columns where table_schema = %s and table_name = %s",
        (schema, relation),
    )
    return {name for (name,) in cursor.fetchall()}
