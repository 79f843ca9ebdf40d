"""Marts of PostgreSQL: built in a schema beside ``marts`` and moved in within the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from etl.identifiers import quote_postgresql
from etl.warehouse.marts import BUILD_SCHEMA, SCHEMA, Mart, MartBuilding, explained

_KIND = """
select case relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end
from pg_class where oid = to_regclass(%s)
"""
_GRANTS = """
select
    privilege_type,
    is_grantable,
    case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end
from pg_class, aclexplode(relacl)
where pg_class.oid = %s::regclass and grantee <> relowner
"""


@dataclass(frozen=True, slots=True)
class _Grant:
    privilege: str
    is_grantable: bool
    grantee: str


class PostgreSQLMarts(MartBuilding):
    """Definitions are part of the transaction; what was granted on a mart is granted on the new one."""

    @contextmanager
    def room(self) -> Iterator[None]:
        """The schema is made and dropped within the transaction, and no search path stays changed."""
        with self._restored_search_path(), self._build_schema():
            yield

    def build(self, mart: Mart) -> int:
        """A table aside, a view in its place."""
        return self._build_table(mart) if mart.refresh == "table" else self._replace_view(mart)

    def publish(self, marts: list[Mart]) -> None:
        """Move tables, one after the other."""
        for mart in marts:
            built = self.session.identifier(BUILD_SCHEMA, mart.name)
            if self.session.single("select to_regclass(%s)", (built,)) is None:
                continue
            with explained(self.session, mart):
                grants = self._drop(mart)
                self.session.execute(f"alter table {built} set schema {self.session.identifier(SCHEMA)}")
                self._grant(mart, grants)

    @contextmanager
    def _restored_search_path(self) -> Iterator[None]:
        """A failed block leaves an aborted transaction, whose end restores the path by itself."""
        before = self.session.single("show search_path")
        yield
        self._set_search_path(str(before))

    @contextmanager
    def _build_schema(self) -> Iterator[None]:
        """Made and dropped within the transaction, unless a role without that right was given one."""
        stands_ready = self.session.single("select to_regnamespace(%s)", (BUILD_SCHEMA,)) is not None
        if not stands_ready:
            self.session.execute(f"create schema {self.session.identifier(BUILD_SCHEMA)}")
        yield
        if not stands_ready:
            self.session.execute(f"drop schema {self.session.identifier(BUILD_SCHEMA)}")

    def _build_table(self, mart: Mart) -> int:
        # The first one is built in place, so that default privileges of the schema apply to it.
        schema = SCHEMA if self._kind(mart) is None else BUILD_SCHEMA
        self._run_file(mart, schema)
        self.session.analyze(schema, mart.name)
        return int(self.session.single(f"select count(*) from {self.session.identifier(schema, mart.name)}"))

    def _replace_view(self, mart: Mart) -> int:
        """``create or replace`` takes no view whose columns changed, and no table: they are dropped."""
        self._set_search_path(self.session.identifier(SCHEMA))
        if not self.session.attempt(mart.sql.replace("%", "%%"), "other kind"):
            grants = self._drop(mart)
            self._run_file(mart, SCHEMA)
            self._grant(mart, grants)
        return 0

    def _run_file(self, mart: Mart, schema: str) -> None:
        self._set_search_path(self.session.identifier(schema))
        self.session.execute(mart.sql.replace("%", "%%"))

    def _drop(self, mart: Mart) -> list[_Grant]:
        """Drop what stands under the mart's name, and say what was granted on it."""
        kind = self._kind(mart)
        self.session.execute(_GRANTS, (_relation(mart),))
        grants = [_Grant(*row) for row in self.session.fetchall()]
        self.session.execute(f"drop {kind} {_relation(mart)}")
        return grants

    def _kind(self, mart: Mart) -> str | None:
        found = self.session.single(_KIND, (_relation(mart),))
        return None if found is None else str(found)

    def _grant(self, mart: Mart, grants: list[_Grant]) -> None:
        for grant in grants:
            option = " with grant option" if grant.is_grantable else ""
            grantee = grant.grantee.replace("%", "%%")
            self.session.execute(f"grant {grant.privilege} on {_relation(mart)} to {grantee}{option}")

    def _set_search_path(self, path: str) -> None:
        self.session.execute("select set_config('search_path', %s, true)", (path,))


def _relation(mart: Mart) -> str:
    return quote_postgresql(SCHEMA, mart.name)
