"""The daily flow over a living shop: sums, history, running again, closed gates, bad surroundings."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from demo.defects import Kind
from demo.findings import FINDABLE, found
from demo.tables import SCHEMAS
from etl.errors import ConfigError, ContractError, PipelineBusy, QualityGateClosed
from etl.settings import PROJECT_DIR, get_settings
from etl.warehouse import open_database
from tests.flows.world import FlowWorld, suites_with_impossible_rule
from tests.web_hook import open_hook


def test_seven_days_give_the_sums_the_history_and_the_defects_that_the_shop_knows(world: FlowWorld) -> None:
    for day in range(1, 8):
        world.play(day)
        world.run(day)
        assert _sums(world) == _expected_sums(world, day), f"after day {day}"
        ((alive,),) = world.query(
            "select count(*) from warehouse.dim_customer"
            " where is_current and not is_inferred and customer_key > 0"
        )
        assert alive == world.shop.ledger.customers_alive(day)
    versions: dict[int, list[Any]] = {}
    for key, low, high, city in world.query(
        "select customer_id, valid_from, valid_to, city from warehouse.dim_customer"
        " where customer_key > 0 and not is_inferred order by 1, 2"
    ):
        versions.setdefault(key, []).append((low, high, city))
    expected = {
        key: [(v.valid_from, v.valid_to, v.attributes["city"]) for v in history]
        for key, history in world.shop.ledger.customer_versions(7).items()
    }
    assert versions == expected
    # What the other sources bring is found by their flows.
    of_the_shop = [
        kind
        for kind in FINDABLE
        if {o.table for o in world.shop.ledger.occurrences(kind, 7)} <= SCHEMAS.keys()
    ]
    assert len(of_the_shop) == 16
    for kind in of_the_shop:
        assert found_count(world, kind) == world.shop.ledger.injected(kind, 7), kind


def test_the_same_day_again_moves_no_xmin_and_a_full_refresh_neither(world: FlowWorld) -> None:
    """Laws R4, S9: the day is read whole again, and nothing of it is written."""
    world.play(1)
    world.run(1)
    before = _rows_with_xmin(world)
    again = world.run(1)
    assert sum(o.extracted for o in again.outcomes) > 0
    assert _rows_with_xmin(world) == before
    world.run(1, full_refresh=True)
    assert _rows_with_xmin(world) == before


def test_a_broken_suite_closes_the_gate_and_after_mending_the_next_run_is_complete(
    world: FlowWorld, second_world: FlowWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.play(1)
    world.run(1)
    before = world.content()
    monkeypatch.setenv("ETL_SUITES_DIR", str(suites_with_impossible_rule(tmp_path)))
    world.play(2)
    with pytest.raises(QualityGateClosed) as closed:
        world.run(2)
    message = str(closed.value)
    assert "shop.orders: total_is_impossible" in message
    assert "rows" in message and "data_docs" in message
    assert world.content() == before
    assert world.query("select status from audit.runs order by started_at desc limit 1") == [("gate_closed",)]
    assert world.query(
        "select count(*) from audit.quality_results where rule = 'total_is_impossible' and not passed"
    ) == [(1,)]
    assert _staging_schemas(world) == []
    monkeypatch.delenv("ETL_SUITES_DIR")
    world.run(2)
    second_world.play(1)
    second_world.run(1)
    second_world.play(2)
    second_world.run(2)
    assert world.content() == second_world.content()


def test_a_closed_gate_is_told_once_and_its_end_once(
    world: FlowWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with open_hook() as hook:
        monkeypatch.setenv("ETL_NOTIFY_URLS", hook.url)
        world.play(1)
        with monkeypatch.context() as broken:
            broken.setenv("ETL_SUITES_DIR", str(suites_with_impossible_rule(tmp_path)))
            for _ in range(2):
                with pytest.raises(QualityGateClosed):
                    world.run(1)
        world.run(1)
    closed = [body for body in hook.bodies if "the gate is closed for shop.orders" in body["message"]]
    assert [body["type"] for body in closed] == ["failure", "success"]
    assert "total_is_impossible" in closed[0]["message"]
    assert world.query("select distinct is_sent from audit.alerts") == [(True,)]


def test_a_second_run_at_once_stops_with_a_clear_error(world: FlowWorld) -> None:
    """Law R5: an advisory lock of a session, as a running flow holds it."""
    import psycopg2

    world.play(1)
    connection = psycopg2.connect(world.warehouse_url)
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(hashtextextended('storehouse:daily-sales', 0))")
    with pytest.raises(PipelineBusy, match="Another run of daily-sales"):
        world.run(1)
    connection.close()
    world.run(1)


def test_yesterday_is_the_day_before_the_one_for_which_the_run_was_scheduled(world: FlowWorld) -> None:
    world.play(1)
    world.run(None)
    world.run_yesterday()
    asked = world.query(
        "select business_date = started_at::date - 1 from audit.runs where business_date is not null"
    )
    assert asked == [(True,)]


def test_without_a_day_everything_up_to_now_comes(world: FlowWorld) -> None:
    """Law X1: target = source once the source is quiet; what is behind the window is found too."""
    for day in (1, 2):
        world.play(day)
    world.run(None)
    world.on_shop(
        "update customers set city = 'Oslo', updated_at = '2020-01-01'"
        " where customer_id = (select min(customer_id) from customers)"
    )
    world.run(None)
    rows = world.query(
        "select city, valid_from::date::text from warehouse.dim_customer"
        " where customer_id = (select min(customer_id) from warehouse.dim_customer where customer_key > 0)"
        " order by valid_from limit 1"
    )
    assert rows == [("Oslo", "2020-01-01")]


@pytest.mark.parametrize(
    ("variable", "value", "error", "says"),
    [
        (
            "ETL_WAREHOUSE_URL",
            "postgresql://postgres:hunter2@127.0.0.1:1/warehouse",
            None,
            "cannot be reached",
        ),
        ("ETL_SHOP_URL", "mysql://shop:hunter2@127.0.0.1:1/shop", None, "shop"),
        ("ETL_WAREHOUSE_URL", "oracle://u:hunter2@h/db", ConfigError, "ETL_WAREHOUSE_URL begins with"),
    ],
)
def test_bad_surroundings_give_one_clear_error_without_a_secret(
    world: FlowWorld, variable: str, value: str, error: type[Exception] | None, says: str
) -> None:
    process = world.start(1, **{variable: value, "ETL_CONNECT_TIMEOUT_SECONDS": "2"})
    output, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert says in output
    assert "What to do" in output
    assert "hunter2" not in output
    if error is not None:
        assert error.__name__ in output


def test_a_missing_table_at_the_source_stops_before_anything_is_done(world: FlowWorld) -> None:
    world.play(1)
    world.on_shop("alter table stores rename to shops")
    with pytest.raises(Exception, match="stores"):
        world.run(1)
    assert world.query("select count(*) from warehouse.fact_sales") == [(0,)]
    assert _staging_schemas(world) == []


def test_a_column_that_the_source_drops_carries_its_values_forward_where_the_catalog_lets_it(
    world: FlowWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Laws X12, S6, S14: frozen by default; under 'ignore' it is recorded and its values stay."""
    world.play(1)
    world.run(1)
    before = world.query("select store_id, district from warehouse.dim_store where store_key > 0 order by 1")
    world.on_shop("alter table stores drop column district")
    world.on_shop("update stores set manager_name = 'New', updated_at = updated_at + interval '1 second'")
    with pytest.raises(ContractError, match="'district' is declared, the source has none"):
        world.run(None)
    catalog = tmp_path / "catalog"
    shutil.copytree(PROJECT_DIR / "catalog", catalog)
    path = catalog / "tables" / "shop" / "stores.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "drift: ignore\n", encoding="utf-8")
    loose = (catalog / "dimensions" / "store.yaml").read_text(encoding="utf-8") + "guard: {change_pct: 100}\n"
    (catalog / "dimensions" / "store.yaml").write_text(loose, encoding="utf-8")
    monkeypatch.setenv("ETL_CATALOG_DIR", str(catalog))
    world.run(None)
    current = (
        "select store_id, district from warehouse.dim_store where is_current and store_key > 0 order by 1"
    )
    assert world.query(current) == before
    assert world.query(
        "select distinct manager_name from warehouse.dim_store where is_current and store_key > 0"
    ) == [("New",)]
    ((drift,),) = world.query("select distinct drift from audit.source_drifts")
    assert "district" in drift


def _sums(world: FlowWorld) -> dict[Any, Any]:
    return {
        day: values
        for day, *values in world.query(
            "select d.full_date, count(distinct f.order_id), count(*), sum(f.gross_amount),"
            " sum(f.discount_amount), sum(f.tax_amount), sum(f.shipping_amount), sum(f.total_amount)"
            " from warehouse.fact_sales as f inner join warehouse.dim_date as d using (date_key) group by 1"
        )
    }


def _expected_sums(world: FlowWorld, day: int) -> dict[Any, Any]:
    return {
        date: [s.orders, s.lines, s.gross, s.line_discount + s.order_discount, s.tax, s.shipping, s.total]
        for date, s in world.shop.ledger.passing_sums(day).items()
    }


def found_count(world: FlowWorld, kind: Kind) -> int:
    """What the demo's summary says it found, computed from the warehouse."""
    with open_database(world.warehouse_url, get_settings()).session() as session:
        return found(session, kind)


def _rows_with_xmin(world: FlowWorld) -> list[Any]:
    relations = (
        "dim_date",
        "dim_brand",
        "dim_category",
        "dim_customer",
        "dim_product",
        "dim_store",
        "fact_sales",
    )
    return [world.query(f"select xmin::text, * from warehouse.{name} order by 2") for name in relations]


def _staging_schemas(world: FlowWorld) -> list[Any]:
    return world.query("select nspname from pg_namespace where nspname like 'staging%'")
