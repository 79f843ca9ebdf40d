"""Declared tables and queries as they stand in PostgreSQL; partitions are read with their table only."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2.extensions import connection as Connection

from etl.catalog import SourceTable
from etl.errors import ConfigError
from etl.handles import Extract
from etl.identifiers import quote_postgresql
from etl.sources.dialect import postgresql_dialect
from etl.sources.known_tables import Described
from etl.sources.metadata_postgresql import find_table, query_columns, table_columns
from etl.sources.postgresql_sessions import literal
from etl.sources.relation import Relation, declared_query

_PARTITIONS_BESIDE = """
    select child.at, parent.at
    from unnest(%(oids)s::oid[]) with ordinality as child (oid, at)
    cross join pg_partition_ancestors(child.oid) as ancestor (oid)
    inner join unnest(%(oids)s::oid[]) with ordinality as parent (oid, at) on ancestor.oid = parent.oid
    where child.oid <> parent.oid
    order by child.at
"""


def described(connection: Connection, table: SourceTable, extract: Extract | None = None) -> Described:
    """What the source says of a table or query.

    Raises:
        SourceError: There is no such table, or the server refuses the query.
    """
    if table.query is not None:
        values = dict(extract.values) if extract else {}
        sql = declared_query(table, values, postgresql_dialect(literal(connection)))
        return sql, query_columns(connection, sql)
    oid, schema, name = find_table(connection, table)
    return quote_postgresql(schema, name), table_columns(connection, oid)


def relation_of(connection: Connection, table: SourceTable, extract: Extract | None = None) -> Relation:
    """The declaration together with what the source says of it."""
    return Relation(table, *described(connection, table, extract), postgresql_dialect(literal(connection)))


def refuse_partitions_beside_their_table(connection: Connection, tables: Sequence[SourceTable]) -> None:
    """Stop when a table and one of its partitions are both to be read: its rows would come twice.

    Raises:
        ConfigError: Names both.
    """
    named = [table for table in tables if table.table is not None]
    oids = [find_table(connection, table)[0] for table in named]
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS_BESIDE, {"oids": oids})
        found = [
            (named[child - 1].qualified_name, named[parent - 1].qualified_name)
            for child, parent in cursor.fetchall()
        ]
    if found:
        raise ConfigError(
            "; ".join(f"{child} is a partition of {parent}" for child, parent in found)
            + ": the table is read with all its partitions, so that these rows would come twice.",
            "Keep either the table or its partitions in the catalog.",
        )
