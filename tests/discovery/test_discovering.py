"""Odd databases of both systems are declared as they are; files that are there are followed (law X12)."""
# ruff: noqa: E501  # a row of a table, and the SQL of a test, read best on one line

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from etl.discovery import profile
from etl.errors import ConfigError, ContractError
from etl.sources.connect import source_for
from tests.discovery.conftest import Discoverer
from tests.discovery.databases import Database, Place

# Table -> key, and cursor. A table without a key is copied by whole rows.
CHOSEN_POSTGRESQL: dict[str, tuple[tuple[str, ...], str | None]] = {
    "a_name_that_is_as_long_as_postgre_d865f5": (("a_name_that_is_as_long_as_postgre_6cb014",), None),
    "active_employees": ((), None),
    "ahead": (("id",), None),
    "animals": ((), None),
    "by_index": (("code",), None),
    "customers": (("customer_id",), None),
    "customers_2": (("id",), None),
    "employees": (("employee_no",), "updated_at"),
    "events": (("id", "happened_at"), None),
    "every_type": (("id",), None),
    "half_known": (("id",), None),
    "living": ((), None),
    "log_lines": ((), None),
    "no_key": ((), None),
    "nothing": (("id",), None),
    "odd_schema_customers": (("id",), None),
    "odd_schema_dot_ted": (("id",), None),
    "order_details": (("order_id", "product_id"), None),
    "sales_customers": (("id",), None),
    "select": (("from",), None),
    "statuses": ((), None),
    "unicode_drop_table_x": (("say_hi",), None),
    "wide": (("c1",), None),
}
CHOSEN_MYSQL: dict[str, tuple[tuple[str, ...], str | None]] = {
    "a_name_that_is_as_long_as_mysql_l_79072a": (("a_name_that_is_as_long_as_mysql_l_4c9b15",), None),
    "active_employees": ((), None),
    "ahead": (("id",), None),
    "by_index": (("code",), None),
    "case": (("id",), None),
    "case_2": (("id",), None),
    "customers": (("customer_id",), None),
    "employees": (("emp_no",), "last_update"),
    "events": (("id", "happened_on"), None),
    "every_type": (("id",), None),
    "log_lines": ((), None),
    "no_key": ((), None),
    "nothing": (("id",), None),
    "order_details": (("order_id", "product_id"), None),
    "salaries": (("emp_no", "from_date"), None),
    "select": (("from",), None),
    "unicode_drop_table_x": (("say_hi",), None),
    "zero_dates": (("id",), None),
}


def test_every_table_is_declared_and_nothing_differs_from_its_source(
    odd: Database, discovering: Discoverer
) -> None:
    place = discovering(odd)
    found = place.discover()
    chosen = CHOSEN_MYSQL if odd.is_mysql else CHOSEN_POSTGRESQL
    tables = {table.name: table for table in place.catalog.tables.values()}
    assert {name: (table.key, table.cursor) for name, table in tables.items()} == chosen
    assert sorted(found.tables) == sorted(f"odd.{name}" for name in chosen)
    source = source_for(place.catalog.sources["odd"], place.settings)
    with source.snapshot(list(tables.values())):
        for table in tables.values():
            assert source.check_columns(table) == []
            assert table.replica is not None
            assert table.replica.whole_row == (table.key == ())
            assert table.deletes == ("compare" if table.cursor else "ignore")
            assert table.drift == "evolve"


def test_what_cannot_be_read_is_left_out_and_told(odd: Database, discovering: Discoverer) -> None:
    view, why = ("of_what_is_gone", "no column") if odd.is_mysql else ("of_functions", "division by zero")
    (flagged,) = discovering(odd).discover().flags.items()
    assert flagged[0].endswith(view)
    assert "left out: " in flagged[1][0]
    assert why in flagged[1][0]


def test_a_second_discovery_touches_no_file(odd: Database, discovering: Discoverer) -> None:
    place = discovering(odd)
    place.discover()
    before = place.files()
    again = place.discover()
    assert (again.written, again.changes) == ((), {})
    assert place.files() == before


def test_comments_become_descriptions(odd: Database, discovering: Discoverer) -> None:
    place = discovering(odd)
    place.discover(include=("Customers",))
    table = place.table("customers")
    assert table.description == 'Whom we sell to: companies, "mostly".'
    assert table.columns["company_name"].description == "As it is registered; # not a comment"


TYPES_MYSQL = {
    "c_tinyint": "smallint", "c_bool": "smallint", "c_tinyint_unsigned": "smallint", "c_smallint_unsigned": "integer",
    "c_mediumint": "integer", "c_int_unsigned": "bigint", "c_bigint": "bigint", "c_bigint_unsigned": "decimal(20,0)",
    "c_decimal_wide": "decimal(65,30)", "c_float": "double", "c_bit": "boolean", "c_bits": "bigint", "c_bits_all": "decimal(20,0)",
    "c_year": "smallint", "c_enum": "text", "c_set": "text", "c_binary": "bytes", "c_date": "date", "c_datetime": "timestamp",
    "c_time": "text", "c_point": "text", "c_hidden": "integer",
}  # fmt: skip
TYPES_POSTGRESQL = {
    "c_smallint": "smallint", "c_bigint": "bigint", "c_oid": "bigint", "c_numeric": "decimal(10,2)", "c_numeric_free": "text",
    "c_numeric_negative": "decimal(5,0)", "c_numeric_fine": "decimal(4,4)", "c_numeric_wide": "decimal(76,10)",
    "c_numeric_too_wide": "text", "c_numeric_nan": "text", "c_money": "decimal(19,2)", "c_real": "double", "c_boolean": "boolean",
    "c_char": "text", "c_bytes": "bytes", "c_date": "date", "c_date_infinite": "text", "c_timestamp": "timestamp",
    "c_timestamp_infinite": "text", "c_timestamptz_old": "text", "c_time": "time", "c_time_end": "text", "c_timetz": "text",
    "c_interval": "text", "c_json": "json", "c_json_nul": "text", "c_jsonb": "json", "c_uuid": "uuid", "c_array": "text",
    "c_range": "text", "c_bit": "text", "c_price": "decimal(8,2)", "c_mood": "text", "c_pair": "text", "c_point": "text",
}  # fmt: skip


def test_types_hold_every_value_and_what_has_none_is_text(odd: Database, discovering: Discoverer) -> None:
    place = discovering(odd)
    place.discover(include=("every_type",))
    found = {name: column.type for name, column in place.table("every_type").columns.items()}
    expected = TYPES_MYSQL if odd.is_mysql else TYPES_POSTGRESQL
    assert {name: found[name] for name in expected} == expected


def test_suites_load_and_say_what_was_seen_without_naming_anybody(
    odd: Database, discovering: Discoverer
) -> None:
    place = discovering(odd)
    place.discover()
    assert sorted(place.suites) == sorted(place.catalog.tables)
    rules = {rule.name: rule for rule in place.suites["odd.employees"].rules}
    assert rules["status_is_known"].kwargs["value_set"] == ["active", "on leave"]
    assert (rules["status_is_known"].severity, rules["status_is_known"].kwargs["mostly"]) == ("warning", 0.95)
    assert rules["hired_is_plausible"].kwargs["min_value"] == "2019-01-01"
    assert "Observed in the profile of 20" in rules["hired_is_plausible"].reason
    assert rules["table_has_rows"].severity == "info"
    customers = {rule.name: rule for rule in place.suites["odd.customers"].rules}
    assert (customers["table_has_rows"].kwargs, customers["table_has_rows"].severity) == (
        {"min_value": 1},
        "critical",
    )
    assert customers["customer_id_is_unique"].severity == "critical"
    assert sorted(customers["mood_is_known"].kwargs["value_set"]) == ["fine", "it's", 'so "so"']
    assert "@" in customers["e_mail_has_its_form"].kwargs["regex"]
    lines = {rule.name for rule in place.suites["odd.order_details"].rules}
    assert {"order_id_is_given", "product_id_is_given", "key_as_a_whole_is_unique"} <= lines
    for suite in place.suites.values():
        text = suite.path.read_text("utf-8")
        assert not re.search(r"Name \d|Company|example\.org|A\d", text), suite.table
        critical = {rule.name for rule in suite.rules if rule.severity == "critical"}
        assert all(
            name.endswith(("_is_given", "_is_unique")) or name == "table_has_rows" for name in critical
        )


def test_large_tables_are_looked_at_in_part(
    odd: Database, discovering: Discoverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd.run("analyze table events" if odd.is_mysql else "analyze")
    place = discovering(odd)
    monkeypatch.setattr(profile, "SAMPLED_VALUES", 4 * 50)
    monkeypatch.setattr(profile, "_HEAD_ROWS", 40)
    place.discover(include=("events",))
    rules = {rule.name: rule for rule in place.suites["odd.events"].rules}
    assert "about 240 rows" in rules["table_has_rows"].reason


def test_patterns_choose_tables_and_schemas(odd_postgresql: Database, discovering: Discoverer) -> None:
    place = discovering(odd_postgresql)
    found = place.discover(include=("sales.*", "Odd Schema.c*", "Customers"), exclude=("public.*",))
    assert sorted(found.tables) == ["odd.odd_schema_customers", "odd.sales_customers"]
    with pytest.raises(ConfigError, match="none is meant"):
        place.discover(include=("nowhere.*",))


def test_names_that_are_there_stay_whatever_is_discovered_later(
    odd: Database, discovering: Discoverer
) -> None:
    place = discovering(odd)
    first = "customers" if not odd.is_mysql else "case"
    place.discover(include=(first,))
    before = place.file(first).read_text("utf-8")
    place.discover()
    assert place.file(first).read_text("utf-8") == before
    assert place.table(f"{first}_2").table in ("public.Customers", "Case")


def test_history_is_kept_in_a_dimension_where_there_is_a_key(odd: Database, discovering: Discoverer) -> None:
    place = discovering(odd)
    place.discover(keeps_history=True)
    dimension = place.catalog.dimensions["odd_employees"]
    assert dimension.events[0].effective_at == ("last_update" if odd.is_mysql else "updated_at")
    assert set(dimension.key) | set(dimension.attributes) == set(place.table("employees").columns)
    assert {attribute.scd for attribute in dimension.attributes.values()} == {2}
    assert (place.table("employees").replica, place.table("by_index").deletes) == (None, "compare")
    assert place.table("log_lines").replica is not None
    again = place.discover()
    assert "odd.employees" in again.tables
    assert again.changes == {}


def _shelf(database: Database, place: Place) -> None:
    """A table with everything that can change, discovered and then annotated by hand."""
    database.run(
        "create table shelf (id int primary key, size smallint not null, price decimal(8,2), note varchar(9) not null, gone int not null)",
        "insert into shelf values (1, 2, 3.50, 'a', 5)",
    )
    place.discover()
    path = place.file("shelf")
    path.write_text(path.read_text("utf-8").replace("  price:", "  # In euros.\n  price:"), "utf-8")


CHANGES = {
    False: (
        "alter table shelf add column \"New One\" uuid, drop column gone, alter size type bigint, alter price type numeric(12,4)",
        "alter table shelf alter note drop not null, alter note type text",
        "comment on column shelf.\"New One\" is 'Came later'",
    ),
    True: (
        "alter table shelf add column `New One` char(36) comment 'Came later', drop column gone, modify size bigint not null, modify price decimal(12,4)",
        "alter table shelf modify note longtext null",
    ),
}  # fmt: skip


def test_evolve_adds_widens_and_relaxes_where_it_stands(database: Database, discovering: Discoverer) -> None:
    place = discovering(database)
    _shelf(database, place)
    before = place.file("shelf").read_text("utf-8").splitlines()
    database.run(*CHANGES[database.is_mysql])
    found = place.discover()
    assert found.changes["odd.shelf"] == [
        f"gained 'new_one' ({'text' if database.is_mysql else 'uuid'})",
        "'size' became bigint, which was smallint",
        "'price' became decimal(12,4), which was decimal(8,2)",
        "'note' may be NULL now",
        "'gone' may be NULL now",
    ]
    assert found.flags == {"odd.shelf": ["the source has no column for 'gone' any more; it stays"]}
    after = place.file("shelf").read_text("utf-8").splitlines()
    assert "  # In euros." in after
    assert [line for line in before if line not in after] == [
        "  size: {type: smallint, nullable: false}",
        "  price: {type: 'decimal(8,2)'}",
        "  note: {type: text, nullable: false}",
        "  gone: {type: integer, nullable: false}",
    ]
    new = place.table("shelf").columns["new_one"]
    assert (new.source_name, new.description) == ("New One", "Came later")
    source = source_for(place.catalog.sources["odd"], place.settings)
    assert [d for d in source.check_columns(place.table("shelf")) if "'gone'" not in d] == []
    assert place.discover().changes == {}


def test_freeze_stops_with_all_that_differs_and_ignore_only_tells(
    database: Database, discovering: Discoverer
) -> None:
    place = discovering(database)
    _shelf(database, place)
    database.run("create table frozen_too (id int primary key)")
    place.discover()
    for name in ("shelf", "frozen_too"):
        path = place.file(name)
        path.write_text(path.read_text("utf-8").replace("drift: evolve", "drift: freeze"), "utf-8")
    database.run(
        *CHANGES[database.is_mysql],
        "alter table frozen_too add column more int",
        "create table new_one (id int)",
    )
    before = place.files()
    with pytest.raises(ContractError) as caught:
        place.discover()
    for said in ("odd.shelf", "'gone'", "'New One'", "odd.frozen_too", "'more'"):
        assert said in str(caught.value)
    assert place.files() == before
    for name in ("shelf", "frozen_too"):
        path = place.file(name)
        path.write_text(
            path.read_text("utf-8")
            .replace("drift: freeze", "drift: ignore")
            .replace(", nullable: false", ""),
            "utf-8",
        )
    told = place.discover()
    assert told.changes == {}
    assert "'more'" in told.flags["odd.frozen_too"][0]


def test_a_history_follows_its_table(database: Database, discovering: Discoverer) -> None:
    place = discovering(database)
    database.run("create table shelf (id int primary key, valid_from date, size smallint)")
    place.discover(keeps_history=True)
    dimension = place.catalog.dimensions["odd_shelf"]
    assert dimension.events[0].columns == {"source_valid_from": "valid_from"}
    database.run(
        "alter table shelf add column price decimal(8,2)",
        "alter table shelf " + ("modify size int" if database.is_mysql else "alter size type int"),
    )
    found = place.discover()
    assert found.changes["odd.shelf"][2:] == [
        "dimension odd_shelf: 'size' became integer",
        "dimension odd_shelf: gained price",
    ]
    types = {
        name: attribute.type for name, attribute in place.catalog.dimensions["odd_shelf"].attributes.items()
    }
    assert types == {"source_valid_from": "date", "size": "integer", "price": "decimal(8,2)"}


def test_a_table_that_is_gone_keeps_its_file(database: Database, discovering: Discoverer) -> None:
    place = discovering(database)
    _shelf(database, place)
    database.run("create table another (id int primary key)", "drop table shelf")
    found = place.discover()
    assert found.tables == ("odd.another",)
    assert "no such table any more" in found.flags["odd.shelf"][0]
    assert place.file("shelf").exists()


def test_overwriting_writes_anew_under_the_same_name(database: Database, discovering: Discoverer) -> None:
    place = discovering(database)
    _shelf(database, place)
    place.file("shelf").rename(place.file("my_shelf"))
    (place.settings.suites_dir / "odd.shelf.yaml").unlink()
    found = place.discover(overwrite=True)
    assert found.tables == ("odd.my_shelf",)
    assert "# In euros." not in place.file("my_shelf").read_text("utf-8")
    assert not place.file("shelf").exists()
    assert "odd.my_shelf" in place.suites


def test_without_sight_of_transactions_no_cursor_is_chosen(
    database: Database, discovering: Discoverer
) -> None:
    kind = "datetime" if database.is_mysql else "timestamp"
    database.run(
        f"create table shelf (id int primary key, secret int, updated_at {kind} not null)",
        "insert into shelf values (1, 2, '2024-01-01 00:00:00')",
    )
    reader = f"reader_{os.getpid()}"
    login = f"{reader}:{quote('only reads')}"
    if database.is_mysql:
        database.run(
            f"create user {reader} identified by 'only reads'",
            f"grant select (id, updated_at) on shelf to {reader}",
        )
    else:
        database.run(
            f"create role {reader} login password 'only reads'",
            f"grant select (id, updated_at) on shelf to {reader}",
        )
    url = re.sub("//[^@]*@", f"//{login}@", database.url)
    try:
        place = discovering(Database(url, database.session))
        found = place.discover()
        table = place.table("shelf")
        assert (list(table.columns), table.cursor) == (["id", "updated_at"], None)
        assert "no cursor is safe" in found.flags["odd"][0]
    finally:
        database.run(
            *(
                [f"drop user {reader}"]
                if database.is_mysql
                else [f"drop owned by {reader}", f"drop role {reader}"]
            )
        )


def test_one_name_for_two_tables_is_refused(postgres_database: str, discovering: Discoverer) -> None:
    with Database.opened(postgres_database) as database:
        database.run(
            "create schema sales",
            "create table sales.orders (id int primary key)",
            'create table "sales.orders" (id int primary key)',
        )
        place = discovering(database)
        found = place.discover()
        assert place.table("sales_orders").table == "public.sales.orders"
        assert found.tables == ("odd.sales_orders",)
        assert "means another table, too" in found.flags["sales.orders"][0]


def test_bad_surroundings_give_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ETL_ODD_URL", raising=False)
    place = Place.made(tmp_path)
    with pytest.raises(ConfigError, match="ETL_ODD_URL is not set"):
        place.discover()
    monkeypatch.setenv("ETL_ODD_URL", "oracle://x")
    with pytest.raises(ConfigError, match="scheme"):
        place.discover()
    assert place.files() == {}
