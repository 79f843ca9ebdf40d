"""A source system for one test: a database of its own on a real server, and what it takes to read it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, unquote, urlsplit

import psycopg2
import pyarrow as pa
from mysql import connector as mysql_connector
from psycopg2.extras import execute_batch

from etl.catalog import SourceSystem, SourceTable
from etl.handles import Extract, Snapshot
from etl.identifiers import quote_mysql, quote_postgresql
from etl.settings import Settings
from etl.sources import Source
from etl.sources.connect import source_for
from etl.windows import Window


@dataclass
class Shop:
    """One system under test."""

    kind: Literal["postgresql", "mysql"]
    url: str
    state_dir: Path
    time_zone: str = "UTC"
    connections: list[Any] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)

    def connect(self) -> Any:
        """A session of a writer; commits by itself unless told otherwise."""
        if self.kind == "postgresql":
            connection: Any = psycopg2.connect(self.url)
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("set time zone 'UTC'")
        else:
            url = urlsplit(self.url)
            connection = mysql_connector.connect(
                host=url.hostname,
                port=url.port,
                user=unquote(url.username or ""),
                password=unquote(url.password or ""),
                database=url.path.strip("/"),
                collation="utf8mb4_general_ci",
                autocommit=True,
                time_zone="+00:00",
            )
        self.connections.append(connection)
        return connection

    def run(self, *statements: str, values: list[tuple[Any, ...]] | None = None) -> list[tuple[Any, ...]]:
        """Run statements; the rows of the last one."""
        connection = self.connect()
        with connection.cursor() as cursor:
            for statement in statements:
                if values is None:
                    cursor.execute(statement)
                else:
                    (execute_batch if self.kind == "postgresql" else _execute_many)(cursor, statement, values)
            rows = cursor.fetchall() if cursor.description else []
        connection.close()
        return rows

    def account(self, *grants: str) -> str:
        """URL of an account that reads the tables there are; ``grants`` have ``{}`` for its name."""
        name, secret = f"reader_{uuid.uuid4().hex[:8]}", "only reads"
        self.accounts.append(name)
        login = f"{name}:{quote(secret)}"
        if self.kind == "postgresql":
            rights = [
                f"create role {name} login password '{secret}'",
                f"grant select on all tables in schema public to {name}",
            ]
        else:
            database = self.run("select database()")[0][0]
            rights = [
                f"create user {name} identified by '{secret}'",
                f"grant select on {database}.* to {name}",
            ]
        self.run(*rights, *(grant.format(name) for grant in grants))
        return re.sub("//[^@]*@", f"//{login}@", self.url)

    def close(self) -> None:
        """Close sessions and drop accounts."""
        for connection in self.connections:
            connection.close()
        for name in self.accounts:
            drops = (
                [f"drop owned by {name}", f"drop role {name}"]
                if self.kind == "postgresql"
                else [f"drop user {name}"]
            )
            self.run(*drops)

    def quote(self, *parts: str) -> str:
        return quote_postgresql(*parts) if self.kind == "postgresql" else quote_mysql(*parts)

    def source(self, **settings: Any) -> Source:
        system = SourceSystem(name="shop", description="x", url_setting="shop_url", time_zone=self.time_zone)
        return source_for(
            system,
            Settings(_env_file=None, **{"shop_url": self.url, "state_dir": self.state_dir, **settings}),
        )

    def read(
        self,
        table: SourceTable,
        window: Window | None = None,
        kind: Literal["rows", "keys"] = "rows",
        during: Callable[[Source, Snapshot], None] = lambda source, snapshot: None,
        **settings: Any,
    ) -> pa.Table:
        """All parts of one extract, sorted by key; ``during`` runs once the snapshot is taken."""
        source = self.source(**settings)
        extract = Extract(table.qualified_name, window or Window(), kind)
        with source.snapshot([table]) as snapshot:
            during(source, snapshot)
            parts = source.plan_extracts(table, extract, snapshot)
            read = [source.read(table, part, snapshot).read_all() for part in parts]
        return pa.concat_tables(read).combine_chunks().sort_by([(name, "ascending") for name in table.key])


def declare(columns: dict[str, str], key: str | tuple[str, ...] = "id", **rest: Any) -> SourceTable:
    """A declaration with plain columns: name -> type."""
    named = {"name": "things", "source": "shop", "description": "x", **rest}
    if "query" not in named:
        named.setdefault("table", "things")
    keys = (key,) if isinstance(key, str) else key
    return SourceTable(**named, key=keys, columns={n: {"type": t} for n, t in columns.items()})


def column(table: pa.Table, name: str) -> list[Any]:
    values: list[Any] = table[name].to_pylist()
    return values


def _execute_many(cursor: Any, statement: str, values: list[tuple[Any, ...]]) -> None:
    cursor.executemany(statement, values)
