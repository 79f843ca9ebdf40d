"""An odd database and the warehouse that copies it through the real flow, and the two held side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_LEVEL, temporary_settings

from etl.catalog import SourceTable
from etl.catalog_files import load_catalog
from etl.handles import Release
from etl.identifiers import quote_mysql, quote_postgresql
from etl.settings import get_settings
from tasks import resources
from tests.discovery.databases import Database, Place
from tests.flows.world import rows_of


@dataclass
class ReplicaWorld:
    """A database to copy, its catalog, and a warehouse."""

    database: Database
    place: Place
    warehouse_url: str
    prefect_api: str

    @classmethod
    def made(cls, database: Database, warehouse_url: str, folder: Path, prefect_api: str) -> ReplicaWorld:
        """A world whose catalog is empty."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(database, Place.made(folder), warehouse_url, prefect_api)

    def replicate(self, **parameters: Any) -> Release:
        """Run the flow in this process."""
        from flows.replicate_database import replicate_database

        quiet = {PREFECT_API_URL: self.prefect_api, PREFECT_LOGGING_LEVEL: "ERROR"}
        with self.environment(), temporary_settings(quiet):
            release: Release = replicate_database("odd", **parameters)
            return release

    @contextmanager
    def environment(self) -> Iterator[None]:
        settings = self.place.settings
        variables = {
            "ETL_WAREHOUSE_URL": self.warehouse_url,
            "ETL_ODD_URL": self.database.url,
            "ETL_STATE_DIR": str(settings.state_dir),
            "ETL_CATALOG_DIR": str(settings.catalog_dir),
            "ETL_SUITES_DIR": str(settings.suites_dir),
            "ETL_LOCK_TIMEOUT_SECONDS": "3",
        }
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            _forget()
            try:
                yield
            finally:
                _forget()

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the warehouse."""
        return rows_of(self.warehouse_url, statement)

    def xmins(self) -> dict[str, list[str]]:
        """Of each replica, the transactions that wrote its rows."""
        return {
            name: sorted(x for (x,) in self.query(f"select xmin::text from {_replica(table)}"))
            for name, table in self.tables().items()
        }

    def tables(self) -> dict[str, SourceTable]:
        """The copied tables."""
        return {name: table for name, table in self.place.catalog.tables.items() if table.replica}

    def differences(self, but: tuple[str, ...] = ()) -> list[str]:
        """Tables whose rows are not those of the source, each with what differs first."""
        found = (self._difference(n, table) for n, table in self.tables().items() if n not in but)
        return [difference for difference in found if difference]

    def _difference(self, name: str, table: SourceTable) -> str:
        kinds = self._kinds(table)
        kept = {n: c for n, c in table.columns.items() if (c.source_name or n) in kinds}
        to_text = _text_in_mysql if self.database.is_mysql else _text_in_postgresql
        there = [to_text(c.source_name or n, kinds[c.source_name or n], c.type) for n, c in kept.items()]
        here = [_text_here(n, c.type) for n, c in kept.items()]
        source, copied = (
            sorted(repr([_plain(v, c.type) for v, c in zip(row, kept.values(), strict=True)]) for row in rows)
            for rows in (
                self.database.run(f"select {', '.join(there)} from {self._relation(table)}"),
                self.query(f"select {', '.join(here)} from {_replica(table)}"),
            )
        )
        if source == copied:
            return ""
        first = next((pair for pair in zip(source, copied, strict=False) if pair[0] != pair[1]), "")
        return f"{name}: {len(source)} rows at the source, {len(copied)} here; {first}"

    def _kinds(self, table: SourceTable) -> dict[str, str]:
        """Column of the source -> its type, by the source's own word."""
        if self.database.is_mysql:
            statement = (
                "select column_name, data_type from information_schema.columns"
                f" where table_schema = database() and binary table_name = '{table.table}'"
            )
        else:
            statement = (
                "select attname, format_type(atttypid, -1) from pg_attribute"
                f" where attnum > 0 and not attisdropped and attrelid = '{self._relation(table)}'::regclass"
            )
        return dict(self.database.run(statement))

    def _relation(self, table: SourceTable) -> str:
        if self.database.is_mysql:
            return quote_mysql(table.table or "")
        schema, _, name = (table.table or "").partition(".")
        return quote_postgresql(schema, name)


def _replica(table: SourceTable) -> str:
    return quote_postgresql("replica", f"{table.source}__{table.name}")


def _text_here(name: str, declared: str) -> str:
    quoted = quote_postgresql(name)
    return {
        "double": quoted,
        "boolean": f"{quoted}::int::text",
        "bytes": f"encode({quoted}, 'hex')",
        "timestamp": f"to_char({quoted} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
        "time": f"to_char({quoted}::interval, 'HH24:MI:SS.US')",
    }.get(declared, f"{quoted}::text")


def _text_in_postgresql(name: str, kind: str, declared: str) -> str:
    quoted = quote_postgresql(name)
    if kind.startswith("timestamp"):
        moment = f"timezone('UTC', {quoted})" if kind.endswith("with time zone") else quoted
        text = f"to_char({moment}, 'YYYY-MM-DD HH24:MI:SS.US')"
        is_usual = f"{quoted} >= '0001-01-01' and {quoted} < '10000-01-01'"
        return (
            f"case when {is_usual} then {text}||'Z' else {moment}::text end" if declared == "text" else text
        )
    if kind.endswith("[]"):
        return f"array_to_json({quoted})::text"
    if kind == "json" and declared == "json":
        return f"{quoted}::jsonb::text"
    return {
        "boolean": f"{quoted}::int::text",
        "bytea": f"encode({quoted}, 'hex')",
        "double precision": quoted,
        "money": f"{quoted}::numeric::text",
        "real": f"{quoted}::float8",
        "time without time zone": f"to_char({quoted}::interval, 'HH24:MI:SS.US')",
    }.get(kind, f"{quoted}::text")


def _text_in_mysql(name: str, kind: str, declared: str) -> str:
    quoted = quote_mysql(name)
    if kind.endswith(("blob", "binary")) or kind in ("point", "geometry"):
        return f"lower(hex({quoted}))"
    if kind.endswith("int") or kind in ("bit", "year"):
        return f"cast({quoted} + 0 as char)"
    return {
        "float": f"{quoted} + 0e0",
        "double": quoted,
        "time": f"time_format({quoted}, '%H:%i:%s.%f')",
    }.get(kind, f"convert(cast({quoted} as char) using utf8mb4)")


def _plain(value: Any, declared: str) -> Any:
    """A value for comparison; what is no date is none."""
    if value is None or not isinstance(value, str) or declared not in ("date", "timestamp"):
        return value
    try:
        return datetime.fromisoformat(value).isoformat(timespec="microseconds")
    except ValueError:
        return None


def _forget() -> None:
    for cached in (get_settings, load_catalog, resources.warehouse, resources.source):
        cached.cache_clear()
