"""The shape of a warehouse in lines that do not depend on the system that holds it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from etl.warehouse.database import Database, from_json
from etl.warehouse.mysql.types import shown_column

# PostgreSQL's types that the catalog does not have, and what MySQL has for them.
TYPES = {
    "text[]": "json",
    "numeric": "number",
    "character varying(32)": "text",
    # Nothing in the audit tables is a double on PostgreSQL, nor are there decimals of so many digits.
    "double": "number",
    "decimal(65,0)": "number",
    "decimal(65,6)": "number",
}
POSTGRESQL = {
    "columns": """
        select n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
            a.attidentity != '', a.attgenerated != '', pg_get_expr(d.adbin, d.adrelid),
            coalesce(col_description(c.oid, a.attnum), ''), false
        from pg_class as c
        inner join pg_namespace as n on c.relnamespace = n.oid
        inner join pg_attribute as a on c.oid = a.attrelid
        left join pg_attrdef as d on a.attrelid = d.adrelid and a.attnum = d.adnum
        where n.nspname in ('audit', 'history', 'replica', 'warehouse') and c.relkind = 'r'
            and a.attnum > 0 and not a.attisdropped
        order by 1, a.attnum""",
    "tables": """
        select n.nspname || '.' || c.relname, coalesce(obj_description(c.oid, 'pg_class'), ''),
            (select count(*) from pg_constraint as k where k.conrelid = c.oid and k.contype = 'c')
        from pg_class as c
        inner join pg_namespace as n on c.relnamespace = n.oid
        where n.nspname in ('audit', 'history', 'replica', 'warehouse') and c.relkind = 'r'""",
    "indexes": """
        select n.nspname || '.' || c.relname, i.indisprimary, i.indisunique, i.indpred is not null,
            (
                select array_agg(a.attname::text order by k.place)
                from unnest(i.indkey) with ordinality as k (number, place)
                inner join pg_attribute as a on a.attrelid = c.oid and a.attnum = k.number
            )
        from pg_index as i
        inner join pg_class as c on i.indrelid = c.oid
        inner join pg_namespace as n on c.relnamespace = n.oid
        where n.nspname in ('audit', 'history', 'replica', 'warehouse')""",
    "foreign keys": """
        select k.conrelid::regclass::text, k.confrelid::regclass::text, k.confdeltype = 'c',
            array(
                select (select a.attname::text from pg_attribute as a
                    where a.attrelid = k.conrelid and a.attnum = p.own)
                from unnest(k.conkey, k.confkey) with ordinality as p (own, other, place) order by place
            ),
            array(
                select (select a.attname::text from pg_attribute as a
                    where a.attrelid = k.confrelid and a.attnum = p.other)
                from unnest(k.conkey, k.confkey) with ordinality as p (own, other, place) order by place
            )
        from pg_constraint as k where k.contype = 'f'
            and k.connamespace::regnamespace::text in ('audit', 'history', 'replica', 'warehouse')""",
}
# Names of schemas are found by their ending: the test's prefix stands before them.
MYSQL = {
    "columns": """
        select concat(c.table_schema, '.', c.table_name), c.column_name, {shown}, c.is_nullable = 'NO',
            c.extra like '%%auto_increment%%', coalesce(c.generation_expression, '') != '',
            c.column_default, c.column_comment, c.extra like '%%INVISIBLE%%'
        from information_schema.columns as c
        inner join information_schema.tables as t
            on c.table_schema = t.table_schema and c.table_name = t.table_name
        where t.table_type = 'BASE TABLE' and c.table_schema in {schemas}
        order by 1, c.ordinal_position""",
    "tables": """
        select concat(t.table_schema, '.', t.table_name), t.table_comment,
            (
                select count(*) from information_schema.table_constraints as k
                where k.table_schema = t.table_schema and k.table_name = t.table_name
                    and k.constraint_type = 'CHECK'
                    -- MariaDB's own, of a document
                    and not exists (
                        select 1 from information_schema.columns as c
                        where c.table_schema = k.table_schema and c.table_name = k.table_name
                            and c.column_name = k.constraint_name
                    )
            )
        from information_schema.tables as t
        where t.table_type = 'BASE TABLE' and t.table_schema in {schemas}""",
    "indexes": """
        select concat(s.table_schema, '.', s.table_name), s.index_name = 'PRIMARY', max(s.non_unique) = 0, 0,
            concat('["', group_concat(s.column_name order by s.seq_in_index separator '","'), '"]')
        from information_schema.statistics as s
        where s.table_schema in {schemas}
        group by s.table_schema, s.table_name, s.index_name""",
    "foreign keys": """
        select concat(k.table_schema, '.', k.table_name),
            concat(k.referenced_table_schema, '.', k.referenced_table_name),
            max(r.delete_rule = 'CASCADE'),
            concat('["', group_concat(k.column_name order by k.ordinal_position separator '","'), '"]'),
            concat(
                '["', group_concat(k.referenced_column_name order by k.ordinal_position separator '","'), '"]'
            )
        from information_schema.key_column_usage as k
        inner join information_schema.referential_constraints as r
            on k.constraint_schema = r.constraint_schema and k.constraint_name = r.constraint_name
        where k.table_schema in {schemas}
        group by
            k.table_schema, k.table_name, k.constraint_name,
            k.referenced_table_schema, k.referenced_table_name""",
}


def shape_lines(database: Database) -> list[str]:
    """Tables, columns in their order, keys and comments; each line begins with its table."""
    made = {(table, name) for table, name, *_, is_hidden in _ask(database, "columns") if is_hidden}
    references, own = _references(database)
    found = {*references, *_indexes(database, made, own)}
    return [*_tables(database), *_columns(database), *sorted(found)]


def tables_that_refer_to(database: Database, table: str) -> set[str]:
    """By their foreign keys."""
    return {own for own, other, *_ in _ask(database, "foreign keys") if other == table}


def _ask(database: Database, kind: str) -> list[tuple[Any, ...]]:
    query = POSTGRESQL[kind]
    if database.folder == "mysql":
        schemas = tuple(database.schema(name) for name in ("audit", "history", "replica", "warehouse"))
        query = MYSQL[kind].format(schemas=schemas, shown=shown_column("c"))
    with database.session() as session:
        session.execute(query)
        return [
            tuple(x.replace(database.prefix, "") if isinstance(x, str) else x for x in row)
            for row in session.fetchall()
        ]


def _tables(database: Database) -> list[str]:
    return sorted(
        f"{table}: {checks} checks; {comment}" for table, comment, checks in _ask(database, "tables")
    )


def _columns(database: Database) -> list[str]:
    lines = []
    # In their order within a table; systems sort the names of tables in their own ways.
    for row in sorted(_ask(database, "columns"), key=itemgetter(0)):
        table, name, shown, is_required, is_counted, is_generated, default, comment, is_hidden = row
        if is_hidden:
            continue
        traits = {"not null": is_required, "counted": is_counted, "generated": is_generated}
        words = [_type_of(database, table, shown), *(word for word, has in traits.items() if has)]
        if not is_generated and not is_counted and _default(default) is not None:
            words.append(f"default {_default(default)}")
        lines.append(f"{table}: {name} {' '.join(words)}; {comment}")
    return lines


def _default(text: str | None) -> str | None:
    """A default without what only one system writes."""
    if text is None or text == "NULL":
        return None
    bare = re.sub(r"::.*$", "", text).strip("'()")
    bare = re.sub(r"^0[.]0+$", "0", bare)
    same = {"false": "0", "true": "1", "CURRENT_TIMESTAMP": "now", "utc_timestamp(6": "now", "{}": "[]"}
    return same.get(bare, bare)


def _references(database: Database) -> tuple[list[str], set[tuple[str, tuple[str, ...]]]]:
    lines, columns = [], set()
    for table, other, cascades, own, others in _ask(database, "foreign keys"):
        names = tuple(from_json(own))
        columns.add((table, names))
        then = " on delete cascade" if cascades else ""
        lines.append(
            f"{table}: ({', '.join(names)}) refers to {other} ({', '.join(from_json(others))}){then}"
        )
    return lines, columns


def _indexes(
    database: Database, made: set[tuple[str, str]], references: set[tuple[str, tuple[str, ...]]]
) -> Iterator[str]:
    """Indexes; of MySQL not those that it makes for foreign keys, which PostgreSQL has none for."""
    for table, is_primary, is_unique, is_partial, columns in _ask(database, "indexes"):
        names = tuple(name for name in from_json(columns) if not is_unique or (table, name) not in made)
        of_some = ", of some rows" if is_partial or len(names) < len(from_json(columns)) else ""
        kind = "primary key" if is_primary else "unique" if is_unique else "index"
        if kind == "index" and (table, names) in references:
            continue
        yield f"{table}: {kind}{of_some} ({', '.join(names)})"


def _type_of(database: Database, table: str, shown: str) -> str:
    """The catalog's type, or for audit tables a name of the same for both systems."""
    if shown.startswith("varchar(") and shown != "varchar(36)":
        return "text"
    of_audit = TYPES.get(shown) if table.startswith("audit.") or shown == "text[]" else None
    return of_audit or str(database.catalog_type(shown))
