"""Sessions of the warehouse on connections that a test opened itself."""

from __future__ import annotations

from psycopg2.extensions import connection as Connection

from etl.settings import Settings
from etl.warehouse.database import Session
from etl.warehouse.postgresql.database import PostgreSQL


def session_on(connection: Connection) -> Session:
    """A session on a connection of PostgreSQL; the test commits and closes it."""
    return PostgreSQL(connection.dsn, Settings(_env_file=None)).session_on(connection)
