"""Names and types of MySQL as a warehouse."""

from __future__ import annotations

import pytest
from mysql.connector import errorcode

from etl.catalog_types import MYSQL_TYPES
from etl.errors import ConfigError
from etl.warehouse.mysql.database import MySQL
from etl.warehouse.mysql.failures import DATA_WARNINGS, message_without_values
from etl.warehouse.mysql.types import shown_column

TYPES = [*MYSQL_TYPES, "decimal(18,2)", "decimal(65,30)"]


def test_columns_show_the_types_that_they_were_made_with(database: MySQL) -> None:
    with database.session() as session:
        columns = ", ".join(f"`{name}` {database.type_of(name)}" for name in TYPES)
        keys = ", ".join(f"`{name}` {database.key_type_of(name)}" for name in TYPES)
        session.execute(f"create table warehouse.t ({columns}); create table warehouse.k ({keys})")
        for table in ("t", "k"):
            session.execute(
                f"select c.column_name, {shown_column('c')}, c.column_type"
                " from information_schema.columns as c"
                " where c.table_schema = %s and c.table_name = %s",
                (database.schema("warehouse"), table),
            )
            shown = session.fetchall()
            assert {name for name, _, _ in shown} == set(TYPES)
            for name, normal, as_it_is in shown:
                assert normal in database.shown_types(name)
                if name != "json":
                    assert as_it_is in database.shown_types(name)
                if table == "t":
                    assert database.catalog_type(normal) == name
        assert database.catalog_type("point") is None
        assert database.catalog_type("bigint(20) unsigned") is None


def test_warnings_of_a_quotient_by_zero_and_of_a_logarithm_of_nothing_are_errors(database: MySQL) -> None:
    # MySQL has a number of its own for the second.
    assert {errorcode.ER_DIVISION_BY_ZERO, errorcode.ER_INVALID_ARGUMENT_FOR_LOGARITHM} <= DATA_WARNINGS
    for expression in ("1 / 0", "ln(0)"):
        with database.session() as session, pytest.raises(database.errors):
            session.execute(f"select {expression}")


def test_a_predicate_knows_the_types_of_all_tables_that_it_names(database: MySQL) -> None:
    """A quotient of whole numbers is one in PostgreSQL; of others it is not."""
    with database.session() as session:
        session.execute(
            "create table warehouse.`t%%` (a bigint); create table audit.other (b double, c json)"
        )
    written = database.predicate("a / 2 in (select b / 2 from audit.other)", "warehouse", "t%")
    assert written == "((`a` div 2) in (select (`b` / 2) from `audit`.`other`))"


def test_every_type_can_be_a_key(database: MySQL) -> None:
    with database.session() as session:
        for number, name in enumerate(TYPES):
            session.execute(f"create table warehouse.k{number} (k {database.key_type_of(name)} primary key)")
        texts = ", ".join(f"k{n} {database.key_type_of('text')}" for n in range(3))
        session.execute(f"create table warehouse.texts ({texts}, primary key (k0, k1, k2))")


@pytest.mark.parametrize("column_type", ["decimal(66,2)", "decimal(40,31)", "varchar"])
def test_types_that_the_server_lacks_are_refused(database: MySQL, column_type: str) -> None:
    with pytest.raises(ConfigError):
        database.type_of(column_type)


def test_names_that_the_server_cannot_have_are_refused(database: MySQL) -> None:
    for name in ("x" * 65, "ends with a space ", "😀", "", "\0"):
        with pytest.raises(ConfigError):
            database.quote("warehouse", name)
    odd = ["x" * 64, "é%s", "`", '"', "a.b", "a;b", "-- x", " a", "select"]
    with database.session() as session:
        for name in odd:
            session.execute(f"create table {session.identifier('warehouse', name)} (a bigint)")
            assert session.exists("warehouse", name)


@pytest.mark.parametrize(
    ("number", "message", "told"),
    [
        (1062, "Duplicate entry 'a' for key 'x' for key 'PRIMARY'", "Duplicate entry for key 'PRIMARY'"),
        (
            1366,
            "Incorrect integer value: 'a' for column `v` at row 1' for column `t`.`c` at row 7",
            "Incorrect integer value for column `t`.`c` at row 7",
        ),
        (1292, "Truncated incorrect DOUBLE value: 'it's'", "Truncated incorrect DOUBLE value"),
        (1525, "Incorrect DATE value: '2026-02-30'", "Incorrect DATE value"),
        (1406, "Data too long for column 'c' at row 1", "Data too long for column 'c' at row 1"),
        (1146, "Table 'dw_audit.x' doesn't exist", "Table 'dw_audit.x' doesn't exist"),
        (1064, "Error near 'where a = 'x'' at line 3", "Error near 'where a = ...' at line 3"),
        (1690, "BIGINT value is out of range in '(5 + 1)'", "BIGINT value is out of range in"),
    ],
)
def test_messages_quote_no_value(number: int, message: str, told: str) -> None:
    assert message_without_values(number, message).removesuffix(" ") == told
