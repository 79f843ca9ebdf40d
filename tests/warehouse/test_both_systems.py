"""The warehouse is the same on PostgreSQL and on MySQL or MariaDB; what cannot be is written down here."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from etl.catalog import Catalog
from etl.catalog_files import load_catalog
from etl.errors import ReleaseRefused
from etl.settings import Settings
from etl.transforms.calendar import calendar
from etl.warehouse import open_database
from etl.warehouse.database import Database
from etl.warehouse.mysql.session import MySQLSession
from etl.warehouse.statements import SQL_DIR
from etl.warehouse.warehouse import DatabaseWarehouse
from tests.conftest import fresh_mysql_warehouse, fresh_postgresql
from tests.warehouse.shapes import shape_lines

# Files that one system alone has, and why the other needs none.
POSTGRESQL_ONLY = {
    "functions/read_as.sql": "on MySQL the macro in read_as.sql",
    "merges/replica/adopt.sql": "MySQL moves no table into another database in a transaction",
    "staging/fill_whole.sql": "MySQL makes and drops no index in a transaction",
    "functions/score_customers.sql": "on MySQL the query in table_functions",
}
MYSQL_ONLY = {
    "read_as.sql": "on PostgreSQL a function",
    "cast.sql": "PostgreSQL casts to the types of the catalog as they are named",
    "generated/column_types.sql": "PostgreSQL takes predicates as they are written",
    "reconcile/hash.sql": "PostgreSQL has a hash of a whole row",
    "compare.sql": "PostgreSQL compares rows with 'is distinct from'",
    "indexes.sql": "PostgreSQL takes texts into an index as they are",
    "json.sql": "PostgreSQL has operators and types for it",
    "staging/groups.sql": "PostgreSQL groups by values of any length",
    "table_functions/score_customers.sql": "on PostgreSQL a function, which MySQL has none of that give rows",
}
# Files whose statements are executed one after the other, of which MySQL may have more.
MORE_STEPS = {
    "merges/dimension/append_events.sql": "a temporary table is read once by a statement of MySQL",
    "quarantine/settle_entries.sql": "what waits is found first, as an update of MySQL has no with",
}
# Lines of the comparison that only one system has, and why.
DIFFERENT = {
    "an index of MySQL holds no long text: drifts are told apart by their hash": {
        "audit.source_drifts: primary key (run_id, table_name, drift)",
        "audit.source_drifts: unique, of some rows (run_id, table_name)",
    },
    "an index of MySQL holds no document: row keys are found by their hash": {
        "audit.quarantine: index (table_name, row_key)",
        "audit.quarantine: index (table_name, row_key_hash)",
    },
}


@dataclass(frozen=True)
class Side:
    """A warehouse on one of the systems."""

    database: Database
    warehouse: DatabaseWarehouse


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The project's own."""
    return load_catalog(Settings(_env_file=None).catalog_dir)


@pytest.fixture(scope="module")
def both(
    postgres_server: str, mysql_server: str, catalog: Catalog, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Side, Side]]:
    """A migrated warehouse of the project's catalog on each system."""
    folder = tmp_path_factory.mktemp("both")
    for postgresql_url in fresh_postgresql(postgres_server):
        for mysql_url in fresh_mysql_warehouse(mysql_server):
            first, second = (_migrated(url, catalog, folder) for url in (postgresql_url, mysql_url))
            yield first, second


def test_tables_columns_keys_and_comments_are_the_same(both: tuple[Side, Side]) -> None:
    """Laws S2, S14, S15, F1: one shape, whichever system holds it."""
    shapes = [shape_lines(side.database) for side in both]
    known = {line for lines in DIFFERENT.values() for line in lines}
    assert all((line in shapes[0]) != (line in shapes[1]) for line in known), "a difference that is none"
    first, second = ([line for line in lines if line not in known] for lines in shapes)
    if difference := list(difflib.unified_diff(first, second, "postgresql", "mysql", lineterm="", n=0)):
        pytest.fail("\n".join(difference), pytrace=False)


def test_the_special_members_are_the_same(both: tuple[Side, Side], catalog: Catalog) -> None:
    """Laws S15, F7."""
    relations = {"dim_date": "date_key"} | {d.relation: d.surrogate for d in catalog.dimensions.values()}
    members = []
    for side in both:
        with side.database.session() as session:
            members.append(
                {
                    r: session.rows(f"select * from warehouse.{r} order by {key}")
                    for r, key in relations.items()
                }
            )
    assert members[0] == members[1]
    assert [len(rows) for rows in members[1].values()] == [2] * len(relations)


def test_the_calendar_is_the_same_and_days_that_are_so_already_are_not_written(
    both: tuple[Side, Side],
) -> None:
    """Laws F7, S9: another start of the fiscal year changes days of a month, new days come."""
    first, last = date(2026, 1, 1), date(2026, 3, 31)
    loads = [(last, 1), (last, 1), (last, 2), (date(2026, 4, 1), 2)]
    written, days = [], []
    for side in both:
        written.append([side.warehouse.load_calendar(calendar(first, *load, "US")) for load in loads])
        with side.database.session() as session:
            days.append(session.rows("select * from warehouse.dim_date order by date_key"))
            session.execute("delete from warehouse.dim_date where date_key > 0")
    assert written[0] == written[1] == [90, 0, 90, 1]
    assert days[0] == days[1]


def test_a_count_that_does_not_come_is_no_count_of_zero(both: tuple[Side, Side]) -> None:
    for side in both:
        with side.database.session() as session:
            assert session.count("select count(*) from audit.runs where false") == 0
            assert session.row("select 1 as one, 'two' as two") == (1, "two")
            with pytest.raises(ReleaseRefused, match="without a row"):
                session.count("select 1 from audit.runs where false")


def test_a_second_migration_of_mysql_only_asks(
    both: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    run = MySQLSession.run

    def remembered(self: MySQLSession, text: str) -> None:
        said.append(text)
        run(self, text)

    monkeypatch.setattr(MySQLSession, "run", remembered)
    assert both[1].warehouse.migrate() == []
    assert said
    assert [text for text in said if not re.match(r"(select|with|set autocommit)\b", text)] == []


def test_both_systems_have_the_same_files_with_the_same_statements() -> None:
    postgresql, mysql = (_statements(SQL_DIR / folder) for folder in ("postgresql", "mysql"))
    found = [
        *(f"{file}: PostgreSQL alone" for file in postgresql.keys() - mysql.keys() - POSTGRESQL_ONLY.keys()),
        *(f"{file}: MySQL alone" for file in mysql.keys() - postgresql.keys() - MYSQL_ONLY.keys()),
        *(f"{file}: not of PostgreSQL alone" for file in POSTGRESQL_ONLY.keys() & mysql.keys()),
        *(f"{file}: not of MySQL alone" for file in MYSQL_ONLY.keys() & postgresql.keys()),
        *(
            f"{file}: {postgresql[file]} on PostgreSQL, {mysql[file]} on MySQL"
            for file in postgresql.keys() & mysql.keys()
            if postgresql[file]
            != [name for name in mysql[file] if name in postgresql[file] or file not in MORE_STEPS]
        ),
    ]
    if found:
        pytest.fail("\n".join(sorted(found)), pytrace=False)


def _migrated(url: str, catalog: Catalog, folder: Path) -> Side:
    settings = Settings(_env_file=None, state_dir=folder, warehouse_url=url)
    database = open_database(url, settings)
    side = Side(database, DatabaseWarehouse(database, catalog))
    side.warehouse.migrate()
    return side


def _statements(folder: Path) -> dict[str, list[str]]:
    """File -> names of its statements; of those of a loop what stands for the name."""
    return {
        str(path.relative_to(folder)): re.findall(r"^-- name: (.*)$", path.read_text("utf-8"), re.MULTILINE)
        for path in sorted(folder.rglob("*.sql"))
    }
