"""Reads the demo's shop back from either system, without any code of the demo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg2
from mysql import connector as mysql_connector


@contextmanager
def cursor_of(url: str) -> Iterator[Any]:
    parts = urlsplit(url)
    connection: Any
    if parts.scheme == "mysql":
        connection = mysql_connector.connect(
            host=parts.hostname,
            port=parts.port,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=parts.path.lstrip("/"),
        )
    else:
        connection = psycopg2.connect(url)
    try:
        yield connection.cursor()
        connection.commit()
    finally:
        connection.close()


def rows_of(url: str, sql: str) -> list[tuple[Any, ...]]:
    with cursor_of(url) as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def number_of(url: str, sql: str) -> int:
    return int(rows_of(url, sql)[0][0])


def table_rows(url: str, table: str, key: str) -> list[tuple[Any, ...]]:
    """All rows by key; MySQL's tinyint(1) reads as the boolean that it stands for."""
    return [tuple(row) for row in rows_of(url, f"select * from {table} order by {key}")]
