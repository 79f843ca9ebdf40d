"""Which source a system is: an API and files by their kind, a database by the scheme of its URL.

- ``postgresql://``, ``postgres://``, ``postgresql+psycopg2://``
- ``mysql://``, ``mariadb://``, each also with ``+mysqlconnector``
- of kind ``rest``: ``https://``, ``http://``
- of kind ``files``: a path, ``http(s)://``, or any URL that fsspec knows
"""

from __future__ import annotations

from typing import Literal

from etl.catalog import SourceSystem
from etl.embedded import source_url
from etl.errors import ConfigError
from etl.settings import Settings
from etl.sources import Source
from etl.sources.connections import Address, mysql_address, postgresql_address
from etl.sources.mysql import MySQLSource
from etl.sources.postgresql import PostgreSQLSource

_POSTGRESQL_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg2")
_MYSQL_SCHEMES = ("mysql", "mysql+mysqlconnector", "mariadb", "mariadb+mysqlconnector")


def source_for(system: SourceSystem, settings: Settings) -> Source:
    """The source for a system of the catalog.

    Raises:
        ConfigError: As for :func:`database_of`.
    """
    if system.kind == "rest":
        from etl.sources.rest.source import RestSource  # requests cost a third of a second

        return RestSource(system, source_url(system, settings), settings)
    if system.kind == "files":
        from etl.sources.files import FileSource

        return FileSource(system, source_url(system, settings), settings)
    kind, address = database_of(system, settings)
    return (MySQLSource if kind == "mysql" else PostgreSQLSource)(system, address, settings)


def database_of(system: SourceSystem, settings: Settings) -> tuple[Literal["postgresql", "mysql"], Address]:
    """Which database a system is, and where.

    Raises:
        ConfigError: The URL is not set, cannot be read, or has a scheme that is not known; it is never shown.
    """
    url = source_url(system, settings)
    scheme = url.partition(":")[0].lower()
    if scheme in _POSTGRESQL_SCHEMES:
        return "postgresql", postgresql_address(system, url, settings)
    if scheme in _MYSQL_SCHEMES:
        return "mysql", mysql_address(system, url, settings)
    raise ConfigError(
        f"{system.variable} does not begin with a scheme that can be read as a source.",
        "Use postgresql://, mysql:// or mariadb://.",
    )
