"""A database to be discovered, and the folder that it is discovered into."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg2
from mysql import connector as mysql_connector

from etl.catalog import Catalog, SourceTable
from etl.catalog_files import read_catalog
from etl.discovery import Discovery, Options, Selection, discover
from etl.settings import Settings
from expectations.suites import Suite, load_suites

_SCRIPTS = Path(__file__).parent


@dataclass(frozen=True)
class Database:
    """A database and a session with it."""

    url: str
    session: Any

    @classmethod
    @contextmanager
    def opened(cls, url: str) -> Iterator[Database]:
        """A session until the context ends; commits by itself."""
        connect = _connect_mysql if url.startswith("mysql") else _connect_postgresql
        session = connect(url)
        yield cls(url, session)
        session.close()

    @property
    def is_mysql(self) -> bool:
        return self.url.startswith("mysql")

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements; the rows of the last one."""
        rows: list[tuple[Any, ...]] = []
        with self.session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = cursor.fetchall() if cursor.description else []
        return rows

    def run_script(self, name: str) -> None:
        """Run a file, whose statements end with a semicolon at the end of a line."""
        text = (_SCRIPTS / name).read_text(encoding="utf-8")
        self.run(*(part for part in re.split(r";\n", text) if part.strip()))


@dataclass(frozen=True)
class Place:
    """A catalog and suites of the test's own; the source is named ``odd``."""

    settings: Settings

    @classmethod
    def made(cls, folder: Path, **settings: Any) -> Place:
        """Empty folders."""
        for name in ("catalog", "suites"):
            (folder / name).mkdir(exist_ok=True)
        places = {
            "state_dir": folder / "state",
            "catalog_dir": folder / "catalog",
            "suites_dir": folder / "suites",
        }
        return cls(Settings(_env_file=None, **{**places, **settings}))

    def discover(
        self, include: tuple[str, ...] = (), exclude: tuple[str, ...] = (), **options: Any
    ) -> Discovery:
        return discover("odd", self.settings, Options(Selection(include, exclude), **options))

    @property
    def catalog(self) -> Catalog:
        return read_catalog(self.settings.catalog_dir)

    def table(self, name: str) -> SourceTable:
        return self.catalog.tables[f"odd.{name}"]

    @property
    def suites(self) -> dict[str, Suite]:
        return load_suites(self.settings.suites_dir)

    def file(self, name: str) -> Path:
        """File of a table."""
        return self.settings.catalog_dir / "tables" / "odd" / f"{name}.yaml"

    def files(self) -> dict[Path, tuple[int, str]]:
        """Every file with the time of its last change and its text."""
        folders = (self.settings.catalog_dir, self.settings.suites_dir)
        paths = sorted(path for folder in folders for path in folder.rglob("*.yaml"))
        return {path: (path.stat().st_mtime_ns, path.read_text("utf-8")) for path in paths}


def _connect_postgresql(url: str) -> Any:
    session = psycopg2.connect(url)
    session.autocommit = True
    with session.cursor() as cursor:
        cursor.execute("set time zone 'UTC'; set intervalstyle = 'iso_8601'")
    return session


def _connect_mysql(url: str) -> Any:
    parts = urlsplit(url)
    return mysql_connector.connect(
        host=parts.hostname,
        port=parts.port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=parts.path.strip("/"),
        collation="utf8mb4_general_ci",
        autocommit=True,
        time_zone="+00:00",
    )
