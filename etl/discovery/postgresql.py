"""A PostgreSQL database as discovery sees it: all of its tables in a few queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from psycopg2.extensions import connection as Connection

from etl.discovery.found import FoundColumn, FoundTable
from etl.identifiers import quote_postgresql
from etl.settings import Settings
from etl.sources.connections import Address, connect_postgresql
from etl.sources.dialect import postgresql_dialect
from etl.sources.failures import source_failures
from etl.sources.metadata import SourceColumn
from etl.sources.metadata_postgresql import columns_of_tables
from etl.sources.postgresql_sessions import literal, read_clock

# What extensions bring belongs to them. A table that others inherit from shows their rows as its own,
# so that its key does not tell its rows apart; partitions are rows of their table.
_TABLES = """
    select
        c.oid, n.nspname, c.relname, c.relkind in ('v', 'm'), c.relkind in ('r', 'p', 'm'),
        c.relhassubclass and c.relkind <> 'p', nullif(c.reltuples, -1)::bigint,
        coalesce(obj_description(c.oid, 'pg_class'), ''), n.nspname = current_schema
    from pg_class as c
    inner join pg_namespace as n on c.relnamespace = n.oid
    where c.relkind in ('r', 'p', 'v', 'm', 'f')
        and not c.relispartition
        and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
        and has_schema_privilege(n.oid, 'usage') and has_any_column_privilege(c.oid, 'select')
        and not exists (
            select from pg_depend as d
            where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
        )
    order by n.nspname, c.relname
"""
_COLUMNS = """
    select
        a.attrelid, a.attname, coalesce(col_description(a.attrelid, a.attnum), ''),
        array(
            select e.enumlabel::text from pg_enum as e
            where e.enumtypid = a.atttypid
            order by e.enumsortorder
        )
    from pg_attribute as a
    where a.attrelid = any(%s) and a.attnum > 0 and not a.attisdropped
        and has_column_privilege(a.attrelid, a.attnum, 'select')
    order by a.attrelid, a.attnum
"""
_KEYS = """
    select distinct on (i.indrelid)
        i.indrelid,
        array(
            select a.attname::text
            from unnest(i.indkey) with ordinality as k (attnum, place)
            inner join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
            where k.place <= i.indnkeyatts
            order by k.place
        )
    from pg_index as i
    inner join pg_class as c on i.indexrelid = c.oid
    where i.indrelid = any(%s)
        and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
        and not exists (
            select
            from unnest(i.indkey) with ordinality as k (attnum, place)
            inner join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
            where k.place <= i.indnkeyatts and not a.attnotnull
        )
    order by i.indrelid, i.indisprimary desc, i.indnkeyatts, c.relname
"""
_MONEY_DIGITS, _MONEY_SCALE = 19, "select scale(0::money::numeric)"


@contextmanager
def inspect_postgresql(address: Address, settings: Settings) -> Iterator[PostgreSQLInspector]:
    """A session, until the context ends.

    Raises:
        SourceError: The server refuses the account.
        TransientError: It cannot be reached.
    """
    with closing(connect_postgresql(address, settings)) as connection:
        yield PostgreSQLInspector(connection, address)


class PostgreSQLInspector:
    """See :class:`etl.discovery.found.Inspector`."""

    def __init__(self, connection: Connection, address: Address) -> None:
        self._connection, self._address = connection, address
        self.dialect = postgresql_dialect(literal(connection))
        with source_failures(f"Source '{address.system}', reading its clock", address.secret):
            self._clock = read_clock(connection)

    @property
    def now(self) -> datetime:
        """The clock of the source."""
        return self._clock.now

    @property
    def sees_sessions(self) -> bool:
        """Whether open transactions can be seen."""
        return self._clock.sees_sessions

    def tables(self) -> list[FoundTable]:
        """Every table and view that the account can read."""
        found = self._all(_TABLES)
        oids = [row[0] for row in found]
        keys = dict(self._all(_KEYS, oids))
        columns = self._columns(oids)
        return [
            FoundTable(
                schema=schema,
                name=name,
                kind="view" if is_view else "table",
                reference=f"{schema}.{name}",
                columns=columns[oid],
                key=() if is_parent or is_view else _readable(keys.get(oid, ()), columns[oid]),
                comment=comment,
                estimated_rows=estimate,
                is_usual_schema=is_usual,
                can_sample=can_sample,
            )
            for oid, schema, name, is_view, can_sample, is_parent, estimate, comment, is_usual in found
        ]

    def sampled(self, table: FoundTable, columns: Iterable[str], rows: int) -> str:
        """Some rows: whole pages from all over the table where there are many, else the first."""
        share = ""
        if table.can_sample and (table.estimated_rows or 0) > rows:
            share = f" tablesample system ({100 * rows / (table.estimated_rows or 1)})"
        wanted = ", ".join(map(quote_postgresql, columns))
        return f"(select {wanted} from {quote_postgresql(table.schema, table.name)}{share} limit {rows}) as s"

    def rows(self, statement: str, doing: str) -> list[tuple[Any, ...]]:
        """Rows of a complete statement."""
        return self._all(statement, doing=doing)

    def _columns(self, oids: list[int]) -> dict[int, dict[str, FoundColumn]]:
        """The readable columns of each table."""
        known = columns_of_tables(self._connection, oids)
        money_scale = self._money_scale(known)
        tables: dict[int, dict[str, FoundColumn]] = defaultdict(dict)
        for oid, name, comment, labels in self._all(_COLUMNS, oids):
            column = known[oid][name]
            if column.kind == "money":
                column = replace(column, digits=_MONEY_DIGITS, scale=money_scale)
            tables[oid][name] = FoundColumn(column, comment, tuple(labels))
        return tables

    def _money_scale(self, known: dict[int, dict[str, SourceColumn]]) -> int:
        """Digits behind the point of money, which a setting of the database decides."""
        if not any(column.kind == "money" for columns in known.values() for column in columns.values()):
            return 0
        return int(self.rows(_MONEY_SCALE, "reading how money is written")[0][0])

    def _all(
        self, statement: str, *values: object, doing: str = "looking for tables"
    ) -> list[tuple[Any, ...]]:
        failures = source_failures(f"Source '{self._address.system}', {doing}", self._address.secret)
        with failures, self._connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall())


def _readable(key: Iterable[str], columns: dict[str, FoundColumn]) -> tuple[str, ...]:
    """The key, if all of its columns may be read."""
    names = tuple(key)
    return names if all(name in columns for name in names) else ()
