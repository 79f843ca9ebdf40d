"""Marts of MySQL and MariaDB: built aside, and moved in by one statement.

Every definition commits, so that nothing can be undone. What readers see changes once: by one ``rename
table`` of all marts, which puts the old ones aside and the new ones in their places. Grants are by name
and stay. A view cannot move from one database to another: it is made in ``marts`` under another name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from etl.warehouse.database import Session
from etl.warehouse.marts import BUILD_SCHEMA, SCHEMA, Mart, MartBuilding

# What stands aside until the refresh ends; numbered, as names are of limited length.
NEW, OLD = "mart__new_", "mart__old_"
_ASIDE = re.compile(rf"(?:{NEW}|{OLD})\d+")
_TABLES = """
select table_schema, table_name, table_type from information_schema.tables where table_schema in (%s, %s)
"""
_MAKE_SCHEMA = """
create database {{ (prefix ~ schema) | ident }} character set utf8mb4 collate {{ collation }}
"""
# No table can be made there: it is as good as no database, to which a session that had one cannot go back.
_NOWHERE = "information_schema"


class MySQLMarts(MartBuilding):
    """Tables are built in ``marts__new``, which stays."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        # What was built, as it is called in statements, by the names of the marts.
        self._built: dict[str, str] = {}

    @contextmanager
    def room(self) -> Iterator[None]:
        """What stands aside is dropped at the end; what a killed refresh could not drop, at the beginning."""
        self._make_schema()
        self._clear()
        try:
            yield
        except BaseException:
            with suppress(*self.session.database.errors):
                self._clear()
            raise
        self._clear()
        self._use(_NOWHERE)

    def build(self, mart: Mart) -> int:
        """A table in the schema beside, a view under another name."""
        if mart.refresh == "view":
            return self._build_view(mart)
        self._run(BUILD_SCHEMA, mart.sql)
        built = self.session.identifier(BUILD_SCHEMA, mart.name)
        self.session.execute(f"analyze table {built}")
        self._built[mart.name] = built
        return int(self.session.single(f"select count(*) from {built}"))

    def publish(self, marts: list[Mart]) -> None:
        """All at once, when nobody reads one of them."""
        standing = {name: kind for schema, name, kind in self._tables() if schema == SCHEMA}
        moves = []
        for number, mart in enumerate(marts):
            name = self.session.identifier(SCHEMA, mart.name)
            if kind := standing.get(mart.name):
                aside = SCHEMA if kind == "VIEW" else BUILD_SCHEMA
                moves.append(f"{name} to {self.session.identifier(aside, f'{OLD}{number}')}")
            moves.append(f"{self._built[mart.name]} to {name}")
        if moves:
            with self.session.database.explained(f"The marts {', '.join(mart.name for mart in marts)}"):
                self.session.execute(f"rename table {', '.join(moves)}")

    def _build_view(self, mart: Mart) -> int:
        name = f"{NEW}{len(self._built)}"
        # What follows stays on its line.
        head = rf"(create\s+or\s+replace\s+view\s+){mart.name}\b"
        self._run(SCHEMA, re.sub(head, rf"\g<1>{name}", mart.sql, count=1, flags=re.IGNORECASE))
        self._built[mart.name] = self.session.identifier(SCHEMA, name)
        return 0

    def _run(self, schema: str, sql: str) -> None:
        """Run the file of a mart, which names no schema for it."""
        self._use(self.session.database.schema(schema))
        self.session.execute(sql.replace("%", "%%"))

    def _make_schema(self) -> None:
        """An account that may not make it is given one."""
        if BUILD_SCHEMA not in self.session.schemas(BUILD_SCHEMA):
            self.session.execute(self.session.database.sql.fill(_MAKE_SCHEMA, schema=BUILD_SCHEMA))

    def _clear(self) -> None:
        """Drop what stands aside."""
        for schema, name, kind in self._tables():
            if schema == BUILD_SCHEMA or (kind == "VIEW" and _ASIDE.fullmatch(name)):
                what = "view" if kind == "VIEW" else "table"
                self.session.execute(f"drop {what} if exists {self.session.identifier(schema, name)}")

    def _tables(self) -> list[tuple[str, str, str]]:
        """Schema, name and kind of what stands in the two schemas."""
        names = {self.session.database.schema(schema): schema for schema in (SCHEMA, BUILD_SCHEMA)}
        self.session.execute(_TABLES, list(names))
        return [(names[schema], name, kind) for schema, name, kind in self.session.fetchall()]

    def _use(self, database: str) -> None:
        self.session.execute(f"use {self.session.identifier(database)}")
