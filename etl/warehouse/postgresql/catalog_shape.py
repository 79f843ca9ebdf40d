"""Brings a dimension and its history to the shape that the catalog declares (laws S14, S15)."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor

from etl.catalog import Dimension
from etl.catalog_types import postgresql_type
from etl.warehouse.postgresql.statements import render

SPECIAL_MEMBERS = {-1: "(unknown)", -2: "(not applicable)"}


def match_catalog(cursor: Cursor, dimension: Dimension) -> None:
    """Create the history, add the columns that the catalog gained, and see that the special members exist.

    Nothing is written, and no lock but that of the migration is taken, where the shape is right already.
    """
    _match_history(cursor, dimension)
    _match_dimension(cursor, dimension)
    texts = [name for name, attribute in dimension.attributes.items() if attribute.type == "text"]
    for member, label in SPECIAL_MEMBERS.items():
        statement = render(
            "merges/dimension/special_member.sql",
            relation=dimension.relation,
            surrogate=dimension.surrogate,
            texts=texts,
        )
        cursor.execute(statement, {"member": member, "label": label})


def _match_history(cursor: Cursor, dimension: Dimension) -> None:
    """Events recorded before an attribute was declared did not carry it, which is not NULL (law S14)."""
    present = _columns(cursor, "history", dimension.name)
    gained = [name for name in dimension.attributes if name not in present]
    if not gained:
        return
    cursor.execute(
        render(
            "merges/dimension/history_table.sql",
            entity=dimension.name,
            key={c: postgresql_type(t) for c, t in dimension.key.items()},
            attributes={a: postgresql_type(v.type) for a, v in dimension.attributes.items()},
        )
    )
    if present:
        cursor.execute(render("merges/dimension/mark_absent.sql", entity=dimension.name), {"gained": gained})


def _match_dimension(cursor: Cursor, dimension: Dimension) -> None:
    present = _columns(cursor, "warehouse", dimension.relation)
    for name, attribute in dimension.attributes.items():
        declared = {name: postgresql_type(attribute.type)}
        if attribute.scd == 3:
            declared |= {f"previous_{name}": declared[name], f"{name}_changed_at": "timestamptz"}
        for column in declared.keys() - present:
            statement = "merges/dimension/add_column.sql"
            cursor.execute(
                render(statement, relation=dimension.relation, column=column, type=declared[column])
            )


def _columns(cursor: Cursor, schema: str, relation: str) -> set[str]:
    cursor.execute(
        "select column_name from information_schema.columns where table_schema = %s and table_name = %s",
        (schema, relation),
    )
    return {name for (name,) in cursor.fetchall()}
