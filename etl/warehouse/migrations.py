"""The schema of the warehouse: one source of truth, applied by versioned revisions.

The system's folder of ``sql/warehouse`` holds each object as it should be, in files that can be applied
again. The first revision applies them; a later revision brings an older warehouse to the same shape, with
its data and history kept. An upgraded warehouse equals a fresh one.
"""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import sqlalchemy
import sqlalchemy.exc
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from etl.catalog import Catalog
from etl.errors import ConfigError, TransientError
from etl.warehouse.catalog_shape import match_catalog
from etl.warehouse.database import Database, Session

OBJECT_FOLDERS = ("schemas", "audit", "dimensions", "facts", "functions")
LOCK_NAME = "storehouse:migrate"
_REFERENCE = re.compile(r"\breferences \w+\.(\w+)")


def migrate(database: Database, catalog: Catalog) -> list[str]:
    """Bring the warehouse to the newest revision and to the shape of the catalog.

    Returns:
        Revisions applied, oldest first; none when the warehouse was up to date.

    Raises:
        ConfigError: The warehouse is of a newer revision than this code knows.
        TransientError: Another run changes the schema, for longer than this one waited.
    """
    patience = database.settings.lock_timeout_seconds
    with database.own_session() as holder:
        if not holder.lock(LOCK_NAME, shared=False, seconds=patience):
            raise TransientError(
                f"Another run brings the warehouse's schema up to date, for longer than {patience} s.",
                "Run again when it is done.",
            )
        applied = _apply_revisions(database)
        with database.session() as session:
            match_catalog(session, catalog)
    return applied


def apply_objects(connection: sqlalchemy.Connection) -> None:
    """Apply every object file; what is there already stays as it is."""
    session: Session = connection.info["session"]
    sql_dir = session.database.sql.folder
    for folder in OBJECT_FOLDERS:
        for path in _in_order(sql_dir / folder):
            session.execute(session.render(str(path.relative_to(sql_dir))))


def _apply_revisions(database: Database) -> list[str]:
    engine = database.engine()
    try:
        with engine.begin() as connection:
            connection.info["session"] = database.session_on(connection.connection.driver_connection)
            return _upgrade(database, connection)
    except sqlalchemy.exc.DBAPIError as error:
        if isinstance(error.orig, database.errors):
            raise error.orig from None
        raise
    finally:
        engine.dispose()


def _in_order(folder: Path) -> list[Path]:
    """Files so that what others of the folder refer to stands before them."""
    paths = {path.stem: path for path in sorted(folder.glob("*.sql"))}
    referred = {name: set(_REFERENCE.findall(path.read_text("utf-8"))) for name, path in paths.items()}
    order = TopologicalSorter({name: others & (paths.keys() - {name}) for name, others in referred.items()})
    return [paths[name] for name in order.static_order()]


def _upgrade(database: Database, connection: sqlalchemy.Connection) -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(database.sql.folder / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["version_table_schema"] = database.schema("audit")
    scripts = ScriptDirectory.from_config(config)
    current = _current_revision(database, connection)
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


def _current_revision(database: Database, connection: sqlalchemy.Connection) -> str | None:
    session: Session = connection.info["session"]
    if not session.exists("audit", "alembic_version"):
        session.execute(session.render("schemas/schemas.sql"))
    options: dict[str, Any] = {"version_table_schema": database.schema("audit")}
    return MigrationContext.configure(connection, opts=options).get_current_revision()
