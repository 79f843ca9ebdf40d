"""Large extracts in ranges: of numbers, instants, dates and UUIDs; the result is the same (law X13)."""

# ruff: noqa: E501  # SQL of a test reads best on one line

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.catalog import SourceTable
from etl.errors import ConfigError
from etl.handles import Extract
from etl.sources.partitions import cut_evenly
from etl.transforms.types import convert
from etl.windows import Window
from tests.sources.shops import Shop, declare

FIRST = datetime(2024, 1, 1)


def _parts(shop: Shop, table: SourceTable, window: Window, **settings: Any) -> list[list[dict[str, Any]]]:
    source = shop.source(**settings)
    with source.snapshot([table]) as snapshot:
        parts = source.plan_extracts(table, Extract(table.qualified_name, window), snapshot)
        return [source.read(table, part, snapshot).read_all().to_pylist() for part in parts]


def _analyze(shop: Shop) -> None:
    shop.run("analyze things" if shop.kind == "postgresql" else "analyze table things")


def _sorted(parts: list[list[dict[str, Any]]]) -> list[str]:
    rows = [row for part in parts for row in part]
    # An instant lands as one, or as its text where its part has one that never ends; both prepare alike.
    texts = {at: convert(pa.array([at]), "text", "").values[0].as_py() for at in _instants(rows)}
    return sorted(repr({name: texts.get(value, value) for name, value in row.items()}) for row in rows)


def _instants(rows: list[dict[str, Any]]) -> set[datetime]:
    return {value for row in rows for value in row.values() if isinstance(value, datetime)}


@pytest.mark.parametrize("null_cursor", ["always", "coalesce"])
def test_a_text_key_is_cut_over_the_cursor(shop: Shop, null_cursor: Any) -> None:
    kind = "timestamp" if shop.kind == "postgresql" else "datetime(6)"
    shop.run(f"create table things (id varchar(9) primary key, moved {kind} null, made {kind} not null)")
    moments = [FIRST + timedelta(hours=n * n) for n in range(40)]
    rows = [(f"k{n}", None if n % 9 == 0 else moment, moment) for n, moment in enumerate(moments)]
    shop.run("insert into things values (%s, %s, %s)", values=rows)
    _analyze(shop)
    table = declare(
        {"id": "text", "moved": "timestamp", "made": "timestamp"},
        cursor="moved",
        null_cursor=null_cursor,
        null_cursor_fallback="made",
    )
    window = Window("2024-01-01 01:00:00.000000", "2024-02-20 00:00:00.000000")
    whole, cut = (_parts(shop, table, window, partition_rows=rows) for rows in (1_000_000, 5))
    assert len(whole) == 1
    assert _sorted(cut) == _sorted(whole)
    # How many rows an expression has, PostgreSQL guesses; no more than a hint is needed.
    if (shop.kind, null_cursor) != ("postgresql", "coalesce"):
        assert sum(len(part) > 0 for part in cut) > 3


@pytest.mark.parametrize("kinds", [("date", "date"), ("timestamptz", "timestamp null"), ("uuid", "uuid")])
def test_a_first_key_of_dates_instants_or_uuids_is_cut(shop: Shop, kinds: tuple[str, str]) -> None:
    kind = kinds[shop.kind == "mysql"]
    shop.run(f"create table things (k {kind}, n int)")
    values: list[Any] = [str(UUID(int=n << 120)) for n in range(40)]
    if kind != "uuid":
        values = [str((FIRST + timedelta(days=n)).date()) for n in range(40)]
    shop.run("insert into things values (%s, %s)", values=list(zip(values, range(40), strict=True)))
    shop.run("insert into things values (null, 99)")
    declared = {"date": "date", "uuid": "uuid"}.get(kind, "timestamp")
    if shop.kind == "postgresql" and kind != "uuid":
        declared = "text"
        shop.run("insert into things values ('infinity', 100), ('-infinity', 101)")
    _analyze(shop)
    table = declare({"k": declared, "n": "integer"}, key="k")
    whole, cut = (_parts(shop, table, Window(), partition_rows=rows) for rows in (1_000_000, 10))
    assert _sorted(cut) == _sorted(whole)
    # MariaDB sorts UUIDs in an order of its own.
    assert len(cut) == (1 if kind == "uuid" and shop.kind == "mysql" else 5)


def test_days_that_are_none_stay_in_the_first_range(mysql_shop: Shop) -> None:
    mysql_shop.run(
        "set session sql_mode = ''",
        "create table things (k date, n int)",
        "insert into things values ('0000-00-00', 1), ('2024-00-10', 2), ('2024-01-01', 3), ('2024-01-09', 4)",
    )
    _analyze(mysql_shop)
    table = declare({"k": "date", "n": "integer"}, key="k")
    cut = _parts(mysql_shop, table, Window(), partition_rows=1)
    assert sorted(row["n"] for part in cut for row in part) == [1, 2, 3, 4]


BOUNDS = (
    st.integers(-(2**63), 2**64)
    | st.dates()
    | st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))
    | st.uuids().map(str)
)


@given(low=BOUNDS, spread=st.integers(0, 10**6), count=st.integers(0, 100), rows=st.integers(1, 40))
def test_ranges_are_in_order_and_leave_nothing_out(low: Any, spread: int, count: int, rows: int) -> None:
    parts = cut_evenly(Extract("shop.things", Window()), count, low, _above(low, spread), rows)
    assert len(parts) <= max(-(-count // rows), 1)
    if len(parts) == 1:
        assert parts[0].key_range in (None, (None, None))
        return
    ranges = [part.key_range or (None, None) for part in parts]
    assert (ranges[0][0], ranges[-1][1]) == (None, None)
    inner = [high for _, high in ranges[:-1]]
    assert inner == [low for low, _ in ranges[1:]]
    values = [int(text) if text.lstrip("-").isdigit() else text for text in inner if text is not None]
    assert values == sorted(set(values))


def _above(low: Any, spread: int) -> Any:
    if isinstance(low, int):
        return low + spread
    if isinstance(low, str):
        return str(UUID(int=min(UUID(low).int + spread, 2**128 - 1)))
    try:
        return low + (timedelta(microseconds=spread) if isinstance(low, datetime) else timedelta(days=spread))
    except OverflowError:
        return low


def test_a_partitioned_table_is_read_whole_and_never_beside_its_partitions(postgresql_shop: Shop) -> None:
    postgresql_shop.run(
        "create table things (id int, day date) partition by range (day)",
        "create table old partition of things for values from (minvalue) to ('2024-01-01')",
        "create table new partition of things for values from ('2024-01-01') to (maxvalue) partition by list (id)",
        "create table newest partition of new default",
        "insert into things select n, date '2023-12-01' + n from generate_series(1, 60) as n",
    )
    _analyze(postgresql_shop)
    columns = {"id": "integer", "day": "date"}
    parent, old, newest = (declare(columns, name=n, table=n) for n in ("things", "old", "newest"))
    assert (
        len([row for part in _parts(postgresql_shop, parent, Window(), partition_rows=7) for row in part])
        == 60
    )
    for child in (old, newest):
        refused = pytest.raises(ConfigError, match=f"shop.{child.name} is a partition of shop.things")
        with refused, postgresql_shop.source().snapshot([child, parent]):
            pass
    with postgresql_shop.source().snapshot([old, newest]):
        pass
