"""The same rows give the same report whichever system holds the warehouse, value for value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from etl.reports import SiteLinks, write_site
from etl.reports.figures import read_figures
from etl.reports.reading import QUERIES, Reader
from etl.reports.tables import Row
from etl.warehouse.database import Session, from_json
from etl.warehouse.marts import refresh_marts
from tests.conftest import fresh_mysql_warehouse
from tests.marts.test_cases import GRAIN
from tests.marts.warehouse import FILES, OpenWarehouse, empty_warehouse, own_database
from tests.site import sample

COLUMNS = """
select column_name from information_schema.columns
where table_schema = %s and table_name = %s and is_generated = 'NEVER'
"""

Called = dict[tuple[str, str], list[Row]]


@dataclass(frozen=True)
class Warehouses:
    """Two warehouses with the same rows, on PostgreSQL and on MySQL."""

    postgresql: OpenWarehouse
    mysql: OpenWarehouse

    @property
    def both(self) -> tuple[Session, Session]:
        """A session of each."""
        return self.postgresql.session, self.mysql.session


@pytest.fixture(scope="module")
def warehouses(postgres_server: str, mysql_server: str) -> Iterator[Warehouses]:
    """The sample, made on PostgreSQL and copied row by row; marts are built on each."""
    with own_database(postgres_server) as url, empty_warehouse(url) as postgresql:
        sample.fill(postgresql)
        for mysql_url in fresh_mysql_warehouse(mysql_server):
            with empty_warehouse(mysql_url) as mysql:
                _copy(postgresql, mysql)
                mysql.commit()
                yield Warehouses(postgresql, mysql)


@pytest.mark.parametrize("mart", GRAIN)
def test_a_mart_has_the_same_rows(warehouses: Warehouses, mart: str) -> None:
    of_postgresql, of_mysql = (
        session.rows(f"select * from marts.{mart} order by {GRAIN[mart]}") for session in warehouses.both
    )
    assert len(of_postgresql) > 2
    assert _typed(of_mysql, of_postgresql) == _typed(of_postgresql, of_postgresql)


def test_each_query_gives_the_same_rows(warehouses: Warehouses, monkeypatch: pytest.MonkeyPatch) -> None:
    of_postgresql, of_mysql = (_called(session, monkeypatch) for session in warehouses.both)
    assert {query for query, _ in of_postgresql} == {path.stem for path in QUERIES.glob("*.sql")}
    assert all(of_postgresql.values()), "each gives some rows of the sample"
    for call, rows in of_postgresql.items():
        assert _typed(of_mysql[call], rows) == _typed(rows, rows), call


def test_the_site_has_the_same_bytes(warehouses: Warehouses, tmp_path: Path) -> None:
    of_postgresql, of_mysql = (
        _site(session, tmp_path / session.database.folder) for session in warehouses.both
    )
    assert of_mysql.keys() == of_postgresql.keys()
    assert [name for name, text in of_postgresql.items() if of_mysql[name] != text] == []


def _called(session: Session, monkeypatch: pytest.MonkeyPatch) -> Called:
    """All queries of the report with their parameters, and the rows that each gave."""
    calls: Called = {}

    class Noting(Reader):
        def rows(self, query: str, **parameters: Any) -> tuple[Row, ...]:
            rows = super().rows(query, **parameters)
            calls[query, repr(parameters)] = list(rows)
            return rows

    monkeypatch.setattr("etl.reports.figures.Reader", Noting)
    read_figures(session)
    return calls


def _typed(rows: list[Row], of_postgresql: list[Row]) -> list[dict[str, tuple[str, str]]]:
    """Types and values; a decimal with its scale, an instant with its zone.

    What PostgreSQL gives as a list or a mapping may come as the text of one.
    """
    typed = []
    for row, like in zip(rows, of_postgresql, strict=True):
        parsed = {n: from_json(v) if isinstance(like[n], (list, dict)) else v for n, v in row.items()}
        typed.append({name: (type(value).__name__, str(value)) for name, value in parsed.items()})
    return typed


def _site(session: Session, folder: Path) -> dict[str, bytes]:
    write_site(session, folder, SiteLinks())
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _copy(source: OpenWarehouse, target: OpenWarehouse) -> None:
    target.session.execute("set foreign_key_checks = 0")
    for file in FILES[1:]:
        schema = {"audit": "audit"}.get(file.partition("/")[0], "warehouse")
        table = Path(file).stem
        columns = [name for (name,) in source.ask(COLUMNS, (schema, table))]
        names = ", ".join(source.session.identifier(name) for name in columns)
        rows = source.ask(f"select {names} from {schema}.{table}")
        target.session.execute(f"delete from {schema}.{table}")
        target.session.insert(f"{schema}.{table}", columns, rows)
    target.session.execute("set foreign_key_checks = 1")
    refresh_marts(target.session, target.session.database.sql.folder / "marts")
