"""Which source a URL means.

- ``postgresql://``, ``postgres://``, ``postgresql+psycopg2://``
- ``mysql://``, ``mariadb://``, each also with ``+mysqlconnector``
- of a system of kind rest: ``https://``, ``http://``
"""

from __future__ import annotations

from etl.catalog import SourceSystem
from etl.embedded import source_url
from etl.errors import ConfigError
from etl.settings import Settings
from etl.sources import Source
from etl.sources.connections import mysql_address, postgresql_address
from etl.sources.mysql import MySQLSource
from etl.sources.postgresql import PostgreSQLSource

_POSTGRESQL_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg2")
_MYSQL_SCHEMES = ("mysql", "mysql+mysqlconnector", "mariadb", "mariadb+mysqlconnector")


def source_for(system: SourceSystem, settings: Settings) -> Source:
    """The source for a system of the catalog, chosen by the scheme of its URL.

    Raises:
        ConfigError: The URL is not set, cannot be read, or has a scheme that is not known; it is never shown.
    """
    if system.kind == "rest":
        from etl.sources.rest import RestSource

        return RestSource(system, settings)
    url = source_url(system, settings)
    scheme = url.partition(":")[0].lower()
    if scheme in _POSTGRESQL_SCHEMES:
        return PostgreSQLSource(system, postgresql_address(system, url, settings), settings)
    if scheme in _MYSQL_SCHEMES:
        return MySQLSource(system, mysql_address(system, url, settings), settings)
    raise ConfigError(
        f"{system.variable} does not begin with a scheme that can be read as a source.",
        "Use postgresql://, mysql:// or mariadb://.",
    )
