"""Statements on a real server: what they give, what they refuse, and what they leave."""

from __future__ import annotations

import tracemalloc
from collections.abc import Generator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.errors import ConfigError, ContractError, ReleaseRefused, StorehouseError
from etl.warehouse.database import from_json
from etl.warehouse.mysql.connection import is_mariadb
from etl.warehouse.mysql.database import MySQL
from etl.warehouse.mysql.session import MySQLSession
from tests.warehouse.mysql.conftest import SETTINGS

KEYS = ["a", "A", "ä", "a ", "a\u200b", "á", "ａ", "", " "]


def make(session: MySQLSession, columns: str = "k varchar(255) primary key, v bigint") -> None:
    session.execute(f"create table warehouse.t ({columns})")


def test_values_come_back_as_they_were(database: MySQL) -> None:
    instant = datetime(2026, 3, 29, 1, 30, 0, 123456, UTC)
    values: dict[str, Any] = {
        "integer": 2**63 - 1,
        "exact": Decimal("-12345678901234567890.1234567890"),
        "double": 0.1,
        "tiny": 5e-324,
        "text": "a'\"`\\\0\n\r\x1a%s %% 😀",
        "bytes": b"\x00\xff'\\",
        "instant": instant,
        "day": date(1, 1, 1),
        "time": time(23, 59, 59, 999999),
        "nothing": None,
    }
    with database.session() as session:
        session.execute("select " + ", ".join(f"%({name})s as `{name}`" for name in values), values)
        assert session.columns == list(values)
        assert session.numeric_columns == ["integer", "exact", "double", "tiny"]
        assert session.fetchone() == tuple(values.values())
        assert session.fetchone() is None


def test_instants_are_utc_whatever_zone_they_are_given_in(database: MySQL) -> None:
    with database.session() as session:
        session.execute("set session time_zone = '+13:00'")
        make(session, "at datetime(6)")
        at = datetime(2026, 1, 1, 0, 30, 0, 1, timezone(timedelta(hours=2)))
        session.insert("warehouse.t", ["at"], [[at]])
        assert session.single("select at from warehouse.t") == at
        assert session.single("select cast(at as char) from warehouse.t") == "2025-12-31 22:30:00.000001"
        now = session.single(f"select {database.now}")
        assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)


def test_booleans_and_documents(database: MySQL) -> None:
    document = {"a": [1, None, True, "é\\"], "at": datetime(2026, 1, 1, tzinfo=UTC), "n": Decimal("1.50")}
    with database.session() as session:
        make(session, "yes boolean, no boolean, document json, list json")
        session.insert("warehouse.t", ["yes", "no", "document", "list"], [[True, False, document, (1, "x")]])
        session.execute("select * from warehouse.t")
        (row,) = session.fetchall()
        assert row[:2] == (True, False)
        assert isinstance(row[0], bool)
        read = from_json(row[2])
        assert read == {"a": [1, None, True, "é\\"], "at": "2026-01-01T00:00:00.000000+00:00", "n": "1.50"}
        assert from_json(row[3]) == [1, "x"]


NAMES = st.text(st.characters(codec="utf-8"), max_size=30).filter(lambda name: not name.startswith("-"))


@settings(deadline=None, max_examples=80)
@given(names=st.lists(NAMES, max_size=3), null=st.booleans())
def test_members_of_documents_are_texts(names: list[str], null: bool, mysql_server: str) -> None:
    database = MySQL(mysql_server, SETTINGS)
    with database.session() as session:
        for name in names:
            document = {name: None if null else "x'\\\"", "other": 1}
            found = session.single(f"select {database.json_text('%(d)s', name)}", {"d": document})
            assert found == (None if null else "x'\\\"") or name == "other"
        assert session.single(f"select {database.json_text('%(d)s', 'absent')}", {"d": {}}) is None


def test_seconds_between_instants_are_exact(database: MySQL) -> None:
    earlier, later = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)
    with database.session() as session:
        text = database.seconds_between("%(a)s", "%(b)s")
        found = session.single(f"select {text}", {"a": earlier, "b": later})
        difference = later - earlier
        assert found == difference.days * 86400 + difference.seconds + Decimal("0.999999")


def test_a_script_gives_what_its_last_statement_gives(database: MySQL) -> None:
    with database.session() as session:
        make(session)
        session.execute(
            "insert into warehouse.t values ('a', %(v)s), ('b', 2); select 7;"
            " update warehouse.t set v = 2 where k <> '%%'",
            {"v": 1},
        )
        # A row that was so before is not written.
        assert session.rowcount == 1
        assert session.columns == []
        session.execute("insert into warehouse.t values ('c', 3); select row_count() as n; -- end")
        assert (session.columns, session.fetchall()) == (["n"], [(1,)])
        assert session.rows("select k, v from warehouse.t where v > %s order by k", (1,)) == [
            {"k": "a", "v": 2},
            {"k": "b", "v": 2},
            {"k": "c", "v": 3},
        ]
        assert session.rowcount == 3


def test_an_error_says_where_in_a_script(database: MySQL) -> None:
    script = "select 1;\n\nselect 2;\n-- here\nselect\n  3 +\n  nonsense nonsense nonsense;"
    with database.session() as session, pytest.raises(database.errors) as caught:
        session.execute(script)
    assert database.place_of(caught.value, script) == 7
    assert database.refusal_of(caught.value) == "wrong"
    assert "near 'nonsense" in database.message_of(caught.value)


@pytest.mark.parametrize(
    ("statement", "refusal", "kind", "message"),
    [
        ("insert into warehouse.t values ('secret', 1)", "not unique", ReleaseRefused, "for key 'PRIMARY'"),
        ("insert into warehouse.t values ('x', 'secret')", "value", ContractError, "column .*`v`"),
        ("insert into warehouse.t values ('x', 1e30)", "value", ContractError, "column 'v'"),
        ("insert into warehouse.t values (repeat('secret', 99), 1)", "value", ContractError, "column 'k'"),
        ("insert into warehouse.t values ('x', 1 / 0)", "value", ContractError, "Division by 0"),
        ("update warehouse.t set v = cast('secret' as signed)", "value", ContractError, "INTEGER value"),
        ("select cast('secret' as signed)", "value", ContractError, "INTEGER value"),
        ("select 9223372036854775807 + v from warehouse.t", "value", ContractError, "BIGINT"),
        ("insert into warehouse.t (v) values (1)", None, ReleaseRefused, "'k'"),
        ("select * from warehouse.absent", "wrong", ConfigError, "lacks an object.*absent"),
        ("select * from nowhere.absent", "wrong", ConfigError, "lacks an object"),
        (
            "select absent from warehouse.t where k = 'secret'",
            "wrong",
            ConfigError,
            "Unknown column 'absent'",
        ),
        ("selec 'secret', 12345", "wrong", ReleaseRefused, "near 'selec"),
        ("select k from warehouse.t where k = 'x' what 'secret'", "wrong", ReleaseRefused, "near 'what"),
        ("create table warehouse.w (a varchar(1000) primary key)", "too long", ReleaseRefused, "too long"),
        ("create or replace view warehouse.t as select 1 as a", "other kind", ReleaseRefused, "VIEW"),
        ("drop table warehouse.parent", "depended on", ReleaseRefused, "foreign key"),
        ("delete from warehouse.parent", "depended on", ReleaseRefused, "foreign key"),
        ("insert into warehouse.child values (77)", None, ReleaseRefused, "foreign key"),
        ("insert into warehouse.checked values (-1)", None, ReleaseRefused, "CONSTRAINT"),
        ("insert into warehouse.documents values ('secret')", None, ReleaseRefused, "documents.d"),
    ],
)
def test_refusals_are_told_without_values(
    database: MySQL, statement: str, refusal: str | None, kind: type[StorehouseError], message: str
) -> None:
    with database.session() as session:
        make(session)
        session.execute(
            "create table warehouse.parent (id bigint primary key); create table warehouse.child (id bigint,"
            " foreign key (id) references warehouse.parent (id));"
            " create table warehouse.checked (a bigint check (a > 0));"
            " create table warehouse.documents (d json);"
            " insert into warehouse.t values ('secret', 1); insert into warehouse.parent values (1);"
            " insert into warehouse.child values (1)"
        )
    with pytest.raises(kind, match=message) as caught, database.session() as session:
        try:
            session.execute(statement)
        except database.errors as error:
            assert database.refusal_of(error) == refusal
            assert "secret" not in database.message_of(error)
            raise
    told = str(caught.value)
    assert "secret" not in told
    assert "12345" not in told
    assert database.url not in told


def test_an_attempt_that_is_refused_undoes_itself_alone(database: MySQL) -> None:
    with database.session(autocommit=True) as session:
        make(session)
    with database.session() as session:
        session.insert("warehouse.t", ["k", "v"], [["a", 1]])
        script = "insert into warehouse.t values ('b', 2); insert into warehouse.t values ('a', %s)"
        assert not session.attempt(script, "busy", "not unique", values=(3,))
        assert session.attempt("insert into warehouse.t values ('c', 3)", "not unique")
        assert session.rowcount == 1
        with pytest.raises(database.errors):
            session.attempt("insert into warehouse.t values ('a', 1)", "busy")
    with database.session() as session:
        session.execute("select k from warehouse.t order by k")
        assert session.fetchall() == [("a",), ("c",)]


def test_an_attempt_may_commit_by_itself(database: MySQL) -> None:
    with database.session() as session:
        assert session.attempt("create table warehouse.t (a bigint)", "too long")
        assert not session.attempt("create table warehouse.t (a bigint)", "wrong")


def test_busy_is_who_waited_too_long_for_a_row(database: MySQL) -> None:
    with database.session(autocommit=True) as session:
        make(session)
        session.insert("warehouse.t", ["k", "v"], [["a", 1], ["b", 1]])
    with database.session() as holder, database.session() as session:
        holder.execute("update warehouse.t set v = 2 where k = 'a'")
        session.execute("set session innodb_lock_wait_timeout = 1")
        session.execute("update warehouse.t set v = 3 where k = 'b'")
        assert not session.attempt("update warehouse.t set v = 3 where k = 'a'", "busy")
        assert session.single("select v from warehouse.t where k = 'b'") == 3


def test_keys_that_differ_in_anything_are_different_keys(database: MySQL) -> None:
    with database.session() as session:
        make(session, f"k {database.key_type_of('text')} primary key, v bigint")
        session.insert("warehouse.t", ["k", "v"], [[k, n] for n, k in enumerate(KEYS)])
        for number, key in enumerate(KEYS):
            session.execute("select v from warehouse.t where k = %s", (key,))
            assert session.fetchall() == [(number,)]
        assert session.single("select count(distinct concat(k, '')) from warehouse.t") == len(KEYS)
        # Also in what a session makes for itself, and against texts of documents.
        session.execute(
            "create temporary table audit.own (index (k)) as"
            " select j.k from json_table(%s, '$[*]' columns (k varchar(255) path '$')) as j",
            (KEYS,),
        )
        session.execute("select count(*) from warehouse.t as t inner join audit.own as o on t.k = o.k")
        assert session.fetchall() == [(len(KEYS),)]
        assert session.single("select 'a' = 'a ' or 'a' = 'A'") == 0


def test_rows_with_a_key_that_is_there_stay_but_for_what_is_updated(database: MySQL) -> None:
    with database.session() as session:
        make(session, "k varchar(255) primary key, v bigint, w bigint")
        rows = [["a", 1, 1], ["b%s", 2, 2]]
        session.insert("warehouse.t", ["k", "v", "w"], rows)
        session.insert("warehouse.t", ["k", "v", "w"], [["a", 5, 5], ["c", 3, 3]], key=["k"])
        session.insert("warehouse.t", ["k", "v", "w"], [["b%s", 9, 9]], key=["k"], update=["w"])
        assert session.insert_once("warehouse.t", ["k", "v"], ["d", 4])
        assert not session.insert_once("warehouse.t", ["k", "v"], ["d", 5])
        session.execute("select * from warehouse.t order by k")
        assert session.fetchall() == [("a", 1, 1), ("b%s", 2, 9), ("c", 3, 3), ("d", 4, None)]
        with pytest.raises(database.errors):
            session.insert("warehouse.t", ["k", "v"], [["a", 1]])


def test_many_and_long_rows_are_inserted_in_statements_that_the_server_takes(database: MySQL) -> None:
    with database.session() as session:
        make(session, "n bigint, b longblob")
        most = session.packet_bytes()
        rows = ([n, b"x" * (most // 5 if n % 1000 == 0 else 10)] for n in range(5_001))
        session.insert("warehouse.t", ["n", "b"], rows)
        assert session.single("select count(*) from warehouse.t") == 5_001
    with pytest.raises(ConfigError, match="max_allowed_packet"), database.session() as session:
        session.insert("warehouse.t", ["b"], [[b"x" * most]])


def test_numbers_that_the_server_lacks_are_refused(database: MySQL) -> None:
    with database.session() as session:
        for value in (float("nan"), float("inf"), Decimal("NaN"), {"a": float("inf")}):
            with pytest.raises(ContractError, match="not a number"):
                session.execute("select %s", (value,))
        with pytest.raises(TypeError):
            session.execute("select %s", (object(),))


def test_a_stream_leaves_room_for_other_statements(database: MySQL) -> None:
    with database.session() as session:
        make(session, "n bigint, t varchar(255)")
        session.insert("warehouse.t", ["n", "t"], ([n, f"text {n}"] for n in range(35_000)))
        seen = 0
        for n, text in session.stream("select n, t from warehouse.t where n >= %s order by n", (0,)):
            assert (n, text) == (seen, f"text {seen}")
            if seen in (3, 12_345):
                assert session.single("select count(*) from warehouse.t") == 35_000
            seen += 1
        assert seen == 35_000
        left = session.stream("select n from warehouse.t order by n")
        assert next(left) == (0,)
        session.execute("delete from warehouse.t")
        assert session.rowcount == 35_000
        # What was not read yet is still there.
        assert sum(1 for _ in left) == 34_999
        unread = session.stream("select 1 union all select 2")
        next(unread)
        cast("Generator[Any]", unread).close()
        assert session.single("select 3") == 3


def test_a_stream_that_nobody_reads_to_its_end_does_not_hinder_the_commit(database: MySQL) -> None:
    with database.session() as session:
        make(session, "n bigint")
        session.insert("warehouse.t", ["n"], ([n] for n in range(30_000)))
        unread = session.stream("select n from warehouse.t")
        next(unread)
    with database.session() as session:
        assert session.single("select count(*) from warehouse.t") == 30_000


def test_a_stream_does_not_keep_its_rows_in_memory(database: MySQL) -> None:
    with database.session() as session:
        rows = session.stream(
            "with recursive n as (select 1 as i union all select i + 1 from n where i < 300)"
            " select repeat('x', 200) from n as a cross join n as b"
        )
        tracemalloc.start()
        assert sum(len(text) for (text,) in rows) == 200 * 90_000
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
        tracemalloc.stop()


def test_relations_are_told_by_their_exact_names(database: MySQL) -> None:
    with database.session() as session:
        make(session)
        session.execute("create view warehouse.v as select 1 as a")
        assert session.exists("warehouse", "t")
        assert session.exists("warehouse", "v")
        assert not session.exists("warehouse", "T")
        assert not session.exists("audit", "t")
        assert not session.exists("nowhere", "t")
        assert session.has_rows("warehouse", "v")


def test_schemas_are_those_of_this_warehouse(database: MySQL) -> None:
    with database.session(autocommit=True) as session:
        session.execute(
            f"create database staging_x1; create database staging_x2 collate {database.collation}"
        )
        assert session.schemas("staging_") == {"staging_x1", "staging_x2"}
        assert session.schemas("") == {"audit", "warehouse", "staging_x1", "staging_x2"}
        session.drop_schema("staging_x1")
        session.drop_schema("staging_x1")
        assert session.schemas("staging_") == {"staging_x2"}
        assert session.single("select database()") is None


def test_statistics_are_made_outside_of_transactions_only(database: MySQL) -> None:
    with database.session(autocommit=True) as session:
        make(session)
        session.analyze("warehouse", "t", ["k"])
    with pytest.raises(ZeroDivisionError), database.session() as session:
        session.insert("warehouse.t", ["k"], [["a"]])
        session.analyze("warehouse", "t")
        session.analyze("", "own")
        raise ZeroDivisionError
    with database.session() as session:
        assert not session.has_rows("warehouse", "t")


def test_statements_end_at_their_limit(database: MySQL) -> None:
    with database.session() as session:
        session.limit(1)
        with pytest.raises(database.errors) as caught:
            session.execute(
                "with recursive n as (select 1 as i union all select i + 1 from n where i < 3000)"
                " select count(*) from n as a cross join n as b cross join n as c where a.i <> b.i + c.i"
            )
        assert database.refusal_of(caught.value) is None
    with database.session() as session:
        limit = "max_statement_time" if is_mariadb(session.connection) else "max_execution_time / 1000"
        assert session.single(f"select @@{limit}") == database.settings.statement_timeout_seconds


def test_division_is_as_exact_as_that_of_postgresql(database: MySQL) -> None:
    with database.session() as session:
        assert session.single("select 1 / 3") == Decimal("0.33333333333333333333")
        assert session.single("select round(2 / 3 * 3, 10)") == 2
