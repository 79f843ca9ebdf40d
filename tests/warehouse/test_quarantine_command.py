"""The quarantine at a terminal: what is listed, shown, discarded, and how a replay is asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from etl.catalog_files import load_catalog
from etl.quarantine.__main__ import main
from etl.settings import Settings, get_settings
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.holding import load_judged
from tests.warehouse.rows import customer
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS

STORES = [
    {
        "store_id": number,
        "store_name": f"Secret {number}",
        "is_active": True,
        "updated_at": "2026-01-01 00:00:00+00",
        "_cursor": "2026-01-01 00:00:00.000000",
    }
    for number in (1, 2, 3)
]


@pytest.fixture
def world(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A warehouse in which two of three stores wait."""
    assert settings.warehouse_url is not None
    url = settings.warehouse_url.get_secret_value()
    monkeypatch.setenv("ETL_WAREHOUSE_URL", url)
    monkeypatch.setenv("ETL_STATE_DIR", str(settings.state_dir))
    get_settings.cache_clear()
    world = World(url, settings, load_catalog(settings.catalog_dir))
    load_judged(world, Batch({"shop.stores": STORES}), {"shop.stores": "store_id > 1"})
    yield world
    world.close()
    get_settings.cache_clear()


def test_what_waits_is_listed_without_its_values_and_shown_with_them(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert "shop.stores  too_strict  2" in listed and "store_id=2" in listed and "store_id=3" in listed
    assert "Secret" not in listed
    assert main(["list", "--key", "store_id=3"]) == 0
    listed = capsys.readouterr().out
    assert "store_id=3" in listed and "store_id=2" not in listed
    store_id = world.database.json_text("row_key", "store_id")
    ((entry,),) = world.query(f"select quarantine_id from audit.quarantine where {store_id} = '3'")
    assert main(["show", str(entry)]) == 0
    assert "Secret 3" in capsys.readouterr().out


def test_discarding_wants_rows_and_a_reason(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["discard", "--reason", "test"]) == 1
    assert main(["discard", "--everything", "--reason", " "]) == 1
    assert main(["discard", "--table", "shop.store", "--reason", "test"]) == 1
    refused = capsys.readouterr()
    assert refused.out == "" and "The reason is empty." in refused.err and "shop.store" in refused.err
    assert main(["discard", "--key", "store_id=2", "--reason", "a test of the till"]) == 0
    assert capsys.readouterr().out == "1 rows discarded.\n"
    store_id = world.database.json_text("row_key", "store_id")
    assert world.query(f"select {store_id}, status, closed_reason from audit.quarantine order by 1") == [
        ("2", "discarded", "a test of the till"),
        ("3", "open", None),
    ]


def test_discarding_nothing_fails_and_names_the_rules_that_rows_wait_for(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["discard", "--rule", "to_strict", "--reason", "test"]) == 1
    refused = capsys.readouterr()
    assert refused.out == "" and "Nothing was discarded" in refused.err and "too_strict" in refused.err


def test_the_page_shows_no_key_of_a_person(world: World) -> None:
    """Law P2: the number of a customer is declared personal, that of a store is not."""
    who = customer(4711, "2026-01-01 00:00")
    load_judged(world, Batch({"shop.customers": [who]}), {"shop.customers": "true"})
    shown = "select distinct table_name, shown_key from audit.quarantine order by 1, 2"
    assert world.query(shown) == [
        ("shop.customers", "customer_id=·"),
        ("shop.stores", "store_id=2"),
        ("shop.stores", "store_id=3"),
    ]


def test_an_age_reads_as_a_sentence(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    ((entry,),) = world.query("select min(quarantine_id) from audit.quarantine")
    main(["show", str(entry)])
    assert "UTC, today)" in capsys.readouterr().out
    world.execute("update audit.runs set started_at = started_at - interval '3' day")
    main(["show", str(entry)])
    assert "UTC, 3 d ago)" in capsys.readouterr().out


def test_a_replay_is_asked_for_by_the_command_that_is_printed(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", "--rule", "too_strict", "--table", "shop.stores"]) == 0
    told = capsys.readouterr().out
    assert "replay-quarantine/replay-quarantine" in told
    assert "too_strict" in told and "shop.stores" in told
    assert main(["show", "999"]) == 1
    assert "There is no quarantined row 999." in capsys.readouterr().err
