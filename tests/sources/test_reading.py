"""What holds for every system: windows, policies, names, keys, parts (laws X3, X5, X12, X13, X14, P1)."""
# ruff: noqa: E501  # a row of a table, and the SQL of a test, read best on one line

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from etl.errors import ContractError, SourceError
from etl.handles import Extract
from etl.windows import Window
from tests.sources.shops import Shop, column, declare

TEXTS = [
    "plain",
    "",
    None,
    "NA",
    "null",
    "NULL",
    "N/A",
    "\\N",
    "\\.",
    'q"uo"te',
    "tab\tnl\ncr\rcrlf\r\n",
    "a\\b'c",
    "é😀日本",
    " ",
]


def _windowed(shop: Shop, kind: str, values: list[str | None]) -> None:
    shop.run(f"create table things (id int primary key, moved {kind})")
    shop.run("insert into things values (%s, %s)", values=list(enumerate(values)))


def test_the_same_content_gives_equal_arrow_tables(postgresql_shop: Shop, mysql_shop: Shop) -> None:
    types = {
        "id": ("bigint", "bigint", "bigint"),
        "note": ("text", "text", "text"),
        "price": ("numeric(10,2)", "decimal(10,2)", "decimal(10,2)"),
        "share": ("double precision", "double", "double"),
        "day": ("date", "date", "date"),
        "at": ("timestamp", "datetime(6)", "timestamp"),
        "seen": ("timestamptz", "timestamp(6) null", "timestamp"),
        "raw": ("bytea", "blob", "bytes"),
        "span": ("time", "time(6)", "time"),
    }
    rows = [
        (
            n,
            text,
            Decimal(n) / 4,
            n / 3,
            date(2024, 1, 1 + n),
            datetime(2024, 1, 1, 12, 0, n, 1),
            b"\x00\xff" * n,
        )
        for n, text in enumerate(TEXTS)
    ]
    read = []
    for shop, at in ((postgresql_shop, 0), (mysql_shop, 1)):
        columns = ", ".join(f"{name} {kinds[at]}" for name, kinds in types.items())
        shop.run(f"create table things ({columns})")
        values = [
            (n, t, p, s, d, i, i.strftime("%Y-%m-%d %H:%M:%S.%f"), r, "08:00:00.5")
            for n, t, p, s, d, i, r in rows
        ]
        connection = shop.connect()
        cursor = connection.cursor()
        zone = "set session time zone 'UTC'" if at == 0 else "set session time_zone = '+00:00'"
        cursor.execute(zone)
        cursor.executemany("insert into things values (%s, %s, %s, %s, %s, %s, %s, %s, %s)", values)
        read.append(shop.read(declare({n: k[2] for n, k in types.items()}, cursor="at")))
    assert read[0].equals(read[1].drop_columns(["_zero_dates"]))
    assert column(read[0], "note") == TEXTS


@pytest.mark.parametrize(
    "name",
    [
        "select",
        "Mixed Case",
        'dou"ble',
        "back`tick",
        "semi;colon -- x",
        "100%s",
        "?",
        "é日",
        "dot.ted",
    ],
)
def test_any_name_of_a_table_or_column(shop: Shop, name: str) -> None:
    quoted = shop.quote(name)
    shop.run(f"create table {quoted} ({quoted} int primary key, {shop.quote('moved ' + name)} timestamp)")
    shop.run(f"insert into {quoted} values (1, '2024-01-01 00:00:00'), (2, '2024-01-02 00:00:00')")
    table = declare({"id": "integer", "moved": "timestamp"}, cursor="moved", table=name)
    renamed = {
        "id": {"type": "integer", "source_name": name},
        "moved": {"type": "timestamp", "source_name": f"moved {name}"},
    }
    table = table.model_validate({**table.model_dump(exclude={"columns"}), "columns": renamed})
    assert shop.source().check_columns(table) == []
    window = Window("2024-01-02 00:00:00.000000", None)
    found = shop.read(table, window)
    assert found.column_names[:3] == ["id", "moved", "_cursor"]
    assert column(found, "id") == [2]
    keys = pa.table({"id": [1, 2, 3]})
    source = shop.source()
    with source.snapshot([table]) as snapshot:
        assert sorted(column(source.read_keys(table, keys, snapshot).read_all(), "id")) == [1, 2]


def test_a_schema_before_the_name(shop: Shop) -> None:
    schema = "other" if shop.kind == "postgresql" else shop.run("select database()")[0][0]
    if shop.kind == "postgresql":
        shop.run("create schema other")
    shop.run(
        f"create table {shop.quote(schema, 'things')} (id int)",
        f"insert into {shop.quote(schema, 'things')} values (7)",
    )
    assert column(shop.read(declare({"id": "integer"}, table=f"{schema}.things")), "id") == [7]


@pytest.mark.parametrize(
    ("kinds", "values", "low", "high", "expected"),
    [
        (("timestamp", "datetime(6)"), ["2024-01-01 00:00:00.000001", "2024-01-01 00:00:00.000002", "2024-01-01 00:00:00.000003"],
         "2024-01-01 00:00:00.000002", "2024-01-01 00:00:00.000003", [1]),
        (("timestamptz", "timestamp(6) null"), ["2024-01-01 00:00:00.000001", "2024-01-01 00:00:00.000002", "2024-01-01 00:00:00.000003"],
         "2024-01-01 00:00:00.000001", "2024-01-01 00:00:00.000003", [0, 1]),
        (("timestamp(0)", "datetime"), ["2024-01-01 00:00:01", "2024-01-01 00:00:02"], "2024-01-01 00:00:01.000000", "2024-01-01 00:00:02.000000", [0]),
        (("date", "date"), ["2024-01-01", "2024-01-02", "2024-01-03"], "2024-01-02 00:00:00.000000", "2024-01-03 00:00:00.000000", [1]),
        (("bigint", "bigint"), ["9007199254740992", "9007199254740993", "9007199254740994"], "9007199254740993", "9007199254740994", [1]),
        (("numeric(20,0)", "bigint unsigned"), ["18446744073709551613", "18446744073709551614", "18446744073709551615"],
         "18446744073709551614", "18446744073709551615", [1]),
    ],
)  # fmt: skip
def test_the_lower_bound_is_in_and_the_upper_out_at_full_precision(
    shop: Shop, kinds: tuple[str, str], values: list[str], low: str, high: str, expected: list[int]
) -> None:
    kind = kinds[shop.kind == "mysql"]
    _windowed(shop, kind, list(values))
    is_number = values[0].isdigit()
    declared = (
        ("decimal(20,0)" if len(values[0]) == 20 else "bigint")
        if is_number
        else "date"
        if kind == "date"
        else "timestamp"
    )
    table = declare(
        {"id": "integer", "moved": declared},
        cursor="moved",
        cursor_kind="integer" if is_number else "timestamp",
    )
    assert column(shop.read(table, Window(low, high)), "id") == expected
    everything = shop.read(table, Window(None, None))
    texts = column(everything, "_cursor")
    bounds = [low, high]
    assert [i for i, text in enumerate(texts) if bounds[0] <= text < bounds[1]] == expected


def test_keys_have_the_cursor_of_every_row_whatever_the_window(shop: Shop) -> None:
    kind = "timestamp" if shop.kind == "postgresql" else "datetime(6)"
    _windowed(shop, kind, ["2024-01-01 00:00:00.000001", "2024-01-02 00:00:00"])
    table = declare({"id": "integer", "moved": "timestamp"}, cursor="moved")
    found = shop.read(table, Window("2024-01-02 00:00:00.000000", None), "keys")
    assert found.drop_columns([n for n in found.column_names if n == "_zero_dates"]).to_pydict() == {
        "id": [0, 1],
        "_cursor": ["2024-01-01 00:00:00.000001", "2024-01-02 00:00:00.000000"],
    }
    whole = shop.read(declare({"id": "integer", "moved": "timestamp"}), None, "keys")
    assert column(whole, "_cursor") == [None, None]


@pytest.fixture
def with_nulls(shop: Shop) -> Shop:
    shop.run(
        f"create table things (id int primary key, moved {'timestamp' if shop.kind == 'postgresql' else 'datetime'} null, made timestamp not null)",
        "insert into things values (1, '2024-01-05 00:00:00', '2024-01-01 00:00:00'), (2, null, '2024-01-02 00:00:00'), (3, null, '2024-01-06 00:00:00')",
    )
    return shop


DATED = {"id": "integer", "moved": "timestamp", "made": "timestamp"}
JANUARY = Window("2024-01-05 00:00:00.000000", "2024-01-31 00:00:00.000000")


def test_rows_without_cursor_fail_with_their_number(with_nulls: Shop) -> None:
    with pytest.raises(ContractError, match=r"2 rows have NULL .* cursor 'moved'"):
        with_nulls.read(declare(DATED, cursor="moved"), JANUARY)


def test_rows_without_cursor_are_always_read(with_nulls: Shop) -> None:
    found = with_nulls.read(declare(DATED, cursor="moved", null_cursor="always"), JANUARY)
    assert column(found, "id") == [1, 2, 3]
    assert column(found, "_cursor") == ["2024-01-05 00:00:00.000000", None, None]


def test_rows_without_cursor_take_another_column(with_nulls: Shop) -> None:
    table = declare(DATED, cursor="moved", null_cursor="coalesce", null_cursor_fallback="made")
    if with_nulls.kind == "mysql":
        with_nulls.run(
            "alter table things modify made datetime not null",
            "update things set made = '2024-01-06 00:00:00' where id = 3",
        )
    found = with_nulls.read(table, JANUARY)
    assert (column(found, "id"), column(found, "_cursor")[1]) == ([1, 3], "2024-01-06 00:00:00.000000")


def test_an_old_window_still_sees_that_rows_lack_a_cursor(with_nulls: Shop) -> None:
    with pytest.raises(ContractError, match="2 rows"):
        with_nulls.read(
            declare(DATED, cursor="moved"), Window("2020-01-01 00:00:00.000000", "2020-01-02 00:00:00.000000")
        )


def _drifted(shop: Shop) -> None:
    shop.run(
        "create table things (id int primary key, kept text, changed varchar(9), added int)",
        "insert into things values (1, 'a', 'b', 7)",
    )


DRIFTED = {"id": "integer", "kept": "text", "changed": "date", "gone": "decimal(8,2)"}


def test_drift_freezes_with_all_that_differs(shop: Shop) -> None:
    _drifted(shop)
    with pytest.raises(ContractError) as caught:
        shop.source().check_columns(declare(DRIFTED))
    for said in (
        "shop.things",
        "'gone'",
        "'changed' is declared date",
        "'added'",
        "catalog/tables/shop/things.yaml",
    ):
        assert said in str(caught.value)


@pytest.mark.parametrize(("policy", "columns"), [("evolve", ["added"]), ("ignore", [])])
def test_drift_that_may_pass_is_told_and_read(shop: Shop, policy: str, columns: list[str]) -> None:
    _drifted(shop)
    table = declare(DRIFTED, drift=policy)
    assert len(shop.source().check_columns(table)) == 3
    found = shop.read(table)
    assert found.column_names == ["id", "kept", "changed", "gone", *columns, "_cursor"]
    assert column(found, "gone") == [None]
    assert found.schema.field("gone").type == pa.decimal128(8, 2)


@pytest.mark.parametrize("policy", ["freeze", "evolve", "ignore"])
def test_a_key_or_cursor_that_is_gone_stops_under_every_policy(shop: Shop, policy: str) -> None:
    _drifted(shop)
    table = declare({"nowhere": "integer", "kept": "text"}, key="nowhere", drift=policy)
    with pytest.raises(ContractError, match="nowhere"):
        shop.source().check_columns(table)


@pytest.mark.parametrize("batch_rows", [1, 7, 100_000])
@pytest.mark.parametrize("partition_rows", [13, 100_000])
def test_parts_and_batches_never_change_a_result(shop: Shop, batch_rows: int, partition_rows: int) -> None:
    shop.run("create table things (id int, value text)")
    shop.run(
        "insert into things values (%s, %s)",
        values=[(n * n - 50, f'{n}\n"') for n in range(100)] + [(None, "no key")],
    )
    shop.run("analyze things" if shop.kind == "postgresql" else "analyze table things")
    source, extract = (
        shop.source(batch_rows=batch_rows, partition_rows=partition_rows),
        Extract("shop.things", Window()),
    )
    table = declare({"id": "integer", "value": "text"})
    with source.snapshot([table]) as snapshot:
        parts = source.plan_extracts(table, extract, snapshot)
        batches = [list(source.read(table, part, snapshot)) for part in parts]
    assert [p.part for p in parts] == ([f"{n}of8" for n in range(1, 9)] if partition_rows == 13 else ["1of1"])
    assert max(len(b) for part in batches for b in part) <= batch_rows
    rows = sorted((str(r["id"]), r["value"]) for part in batches for b in part for r in b.to_pylist())
    assert rows == sorted([(str(n * n - 50), f'{n}\n"') for n in range(100)] + [("None", "no key")])


def test_a_key_that_is_no_number_is_one_part(shop: Shop) -> None:
    shop.run(
        "create table things (id varchar(9) primary key)", "insert into things values ('a'), ('b'), ('c')"
    )
    shop.run("analyze things" if shop.kind == "postgresql" else "analyze table things")
    assert column(shop.read(declare({"id": "text"}), partition_rows=1), "id") == ["a", "b", "c"]


def test_an_empty_table(shop: Shop) -> None:
    shop.run("create table things (id int, value text)")
    found = shop.read(declare({"id": "integer", "value": "text"}))
    assert (found.num_rows, found.column_names) == (0, ["id", "value", "_cursor"])


@pytest.mark.parametrize("count", [0, 1, 5_000])
def test_rows_by_composite_key(shop: Shop, count: int) -> None:
    shop.run("create table things (a bigint, b varchar(20), v text, primary key (a, b))")
    shop.run("insert into things values (%s, %s, %s)", values=[(n, f"k'{n}\\", str(n)) for n in range(6_000)])
    table = declare({"a": "bigint", "b": "text", "v": "text"}, key=("a", "b"))
    keys = pa.table({
        "a": pa.array([*range(count), *range(count), 5_999, None], pa.int64()),
        "b": pa.array([f"k'{n}\\" for n in [*range(count)] * 2] + ["another", None], pa.string()),
    })  # fmt: skip
    source = shop.source()
    with source.snapshot([table]) as snapshot:
        found = source.read_keys(table, keys, snapshot).read_all()
    assert sorted(column(found, "a")) == list(range(count))
    assert found.column_names == ["a", "b", "v", "_cursor"]


def test_rows_by_keys_of_other_types(shop: Shop) -> None:
    kinds = (
        ("uuid", "timestamptz", "timestamp")
        if shop.kind == "postgresql"
        else ("char(36)", "timestamp(6) not null", "datetime(6)")
    )
    shop.time_zone = "America/New_York"
    shop.run(f"create table things (u {kinds[0]}, d date, p decimal(20,4), z {kinds[1]}, l {kinds[2]})")
    uuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
    shop.run(
        f"insert into things values ('{uuid}', '2024-02-29', 9007199254740993.0001, '2024-07-01 12:00:00.000001', '2024-07-01 12:00:00.000001'),"
        f" ('{uuid}', '2024-02-29', 9007199254740993.0002, '2024-07-01 12:00:00.000001', '2024-07-01 12:00:00.000001')"
    )
    columns = {
        "u": "uuid" if shop.kind == "postgresql" else "text",
        "d": "date",
        "p": "decimal(20,4)",
        "z": "timestamp",
        "l": "timestamp",
    }
    table = declare(columns, key=tuple(columns))
    first = shop.read(table).slice(0, 1)
    source = shop.source()
    with source.snapshot([table]) as snapshot:
        found = source.read_keys(table, first.select(list(columns)), snapshot).read_all()
    assert column(found, "p") == [Decimal("9007199254740993.0001")]
    assert found.to_pylist() == first.to_pylist()


def test_a_query_with_joins_and_a_window(shop: Shop) -> None:
    kind = "timestamp" if shop.kind == "postgresql" else "datetime(6)"
    shop.run(
        f"create table orders (id int primary key, moved {kind} not null)",
        "create table order_lines (id int primary key, order_id int, price decimal(10,2), note text)",
        "insert into orders values (1, '2024-01-01 00:00:00'), (2, '2024-01-02 00:00:00.000001')",
        "insert into order_lines values (10, 1, 1.50, 'a'), (20, 2, 2.50, null), (21, 2, 3.50, '50% off')",
    )
    query = "select l.id, l.price, l.note, o.moved from order_lines as l inner join orders as o on l.order_id = o.id where l.note is null or l.note like '%o%' -- %s ?"
    table = declare(
        {"id": "integer", "price": "decimal(10,2)", "note": "text", "moved": "timestamp"},
        query=query,
        cursor="moved",
    )
    assert shop.source().check_columns(table) == []
    found = shop.read(table, Window("2024-01-02 00:00:00.000001", "2024-01-03 00:00:00.000000"))
    assert column(found, "id") == [20, 21]
    assert column(found, "price") == [Decimal("2.50"), Decimal("3.50")]
    assert column(found, "moved")[0] == datetime(2024, 1, 2, 0, 0, 0, 1, UTC)


def test_a_table_that_is_missing(shop: Shop) -> None:
    for table in (
        declare({"id": "integer"}, table="nowhere"),
        declare({"id": "integer"}, query="select id from nowhere"),
    ):
        with pytest.raises(SourceError, match="nowhere"):
            shop.read(table)


def test_abandoning_a_read_ends_it_at_the_source(shop: Shop) -> None:
    shop.run("create table things (id int primary key, value varchar(200))")
    shop.run("insert into things values (%s, %s)", values=[(n, "x" * 200) for n in range(20_000)])
    source, table = shop.source(batch_rows=10), declare({"id": "integer", "value": "text"})
    with source.snapshot([table]) as snapshot:
        reader: Any = source.read(table, Extract("shop.things", Window()), snapshot)
        assert len(reader.read_next_batch()) == 10
        del reader
    open_reads = {
        "postgresql": "select count(*) from pg_stat_activity where application_name = 'storehouse' and datname = current_database()",
        "mysql": "select count(*) from information_schema.processlist where db = database() and info like '%things%' and id <> connection_id()",
    }
    deadline = time.monotonic() + 20
    while shop.run(open_reads[shop.kind])[0][0] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert shop.run(open_reads[shop.kind])[0][0] == 0
