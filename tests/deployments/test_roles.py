"""Law P3: a business day brought by four roles, each doing its own part, and none able to do another's."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest

from demo.database import shop_database
from demo.plan import ShopPlan
from demo.shop import Shop
from etl.catalog import Catalog, Replica, SourceTable
from etl.catalog_files import load_catalog
from etl.handles import Extract, PreparedFile, Reach, Run, Snapshot, StagedTable, TablePlan, Verdict
from etl.landing import land
from etl.planning import KnownTable, Request, plan_tables
from etl.preparing import prepare
from etl.reports import SiteLinks, write_site
from etl.settings import PROJECT_DIR, Settings
from etl.sources import Source, open_source
from etl.transforms.calendar import calendar
from etl.warehouse import Warehouse, open_warehouse
from tests.conftest import fresh_postgresql

ROLES_DIR = PROJECT_DIR / "deployments" / "roles"
PASSWORD = "of-the-tests"
WAREHOUSE_ROLES = ("etl_load", "etl_publish", "etl_report")


@dataclass
class RoleWorld:
    """A shop and a warehouse, each met through the roles only."""

    warehouse_url: str
    shop_url: str
    folder: Path
    plan: ShopPlan
    catalog: Catalog

    def warehouse(self, role: str) -> Warehouse:
        """The warehouse as a role sees it."""
        url = as_role(self.warehouse_url, role)
        return open_warehouse(url, self.settings(), self.catalog)

    def settings(self) -> Settings:
        """Settings whose shop is read by etl_extract."""
        shop_url = as_role(self.shop_url, "etl_extract")
        return Settings(_env_file=None, state_dir=self.folder, shop_url=shop_url)

    def set_up(self) -> None:
        """The roles, the schema, and the grants on what the schema then has."""
        run_script(self.warehouse_url, "postgresql.sql")
        for role in WAREHOUSE_ROLES:
            execute(self.warehouse_url, f"alter role {role} password '{PASSWORD}'")
        self.warehouse("etl_publish").migrate()
        run_script(self.warehouse_url, "postgresql.sql")

    def run_day(self, day: int) -> None:
        """What the flow does, each part by the role that it is for."""
        load, publish = self.warehouse("etl_load"), self.warehouse("etl_publish")
        publish.load_calendar(calendar(self.plan.date_of(day), self.plan.date_of(day), 1, "US"))
        run_id = uuid.uuid4().hex
        run = Run(run_id, "daily-sales", self.plan.date_of(day), False, f"staging_{run_id}")
        with load.lock(run):
            load.begin_run(run, shop_tables(self.catalog))
            staged = self.stage(load, run)
            checked = [self._check(load, run, table) for table in staged]
            publish.publish(run, [table for table, _ in checked], [verdict for _, verdict in checked])
            publish.refresh_marts(run)
            publish.end_run(run, "succeeded", "", [])

    def stage(self, load: Warehouse, run: Run) -> list[StagedTable]:
        """What the shop has, read and staged by a role."""
        source = open_source(self.catalog.sources["shop"], self.settings())
        with source.snapshot(shop_tables(self.catalog)) as snapshot:
            request = Request(run.business_date)
            watermarks = load.watermarks()
            known = known_tables(self.catalog, source, watermarks)
            plans = plan_tables(self.catalog, self.settings(), snapshot, known, request)
            for plan in plans:
                self._stage_table(load, run, source, snapshot, plan)
        settled = {plan.table: load.settle(plan, run) for plan in plans}
        return [load.follow_parents(settled[name]) for name in self.catalog.parents_first(list(settled))]

    def _stage_table(
        self, load: Warehouse, run: Run, source: Source, snapshot: Snapshot, plan: TablePlan
    ) -> None:
        table = self.catalog.tables[plan.table]
        assert source.check_columns(table) == []
        parts = list(source.plan_extracts(table, Extract(plan.table, plan.window), snapshot))
        if plan.compares_keys:
            parts.append(Extract(plan.table, plan.window, kind="keys", part="keys"))
        for part in parts:
            load.stage_part(self._prepared(source, snapshot, part), run)
        if plan.compares_keys:
            load.find_missed(plan, run)

    def _prepared(self, source: Source, snapshot: Snapshot, part: Extract) -> PreparedFile:
        table, folder = self.catalog.tables[part.table], self.folder / "landing"
        return prepare(land(source.read(table, part, snapshot), part, folder), table, folder, "US")

    def _check(self, load: Warehouse, run: Run, staged: StagedTable) -> tuple[StagedTable, Verdict]:
        from expectations.gate import Terms, judge

        assert staged.plan is not None
        measured = load.measured_before(run, staged.table, Reach())
        terms = Terms(self.catalog.tables[staged.table], measured, f"{staged.plan.as_of}Z")
        suites = PROJECT_DIR / "expectations" / "suites"
        judgement = judge(staged, load.database, suites, self.folder, run.run_id, terms)
        assert judgement.verdict.is_open
        load.quarantine(staged, judgement.failed_rows)
        count = len({row for rows in judgement.failed_rows.values() for row in rows})
        assert judgement.verdict.quarantined_count == count
        return staged, judgement.verdict


@pytest.fixture
def world(postgres_server: str, tmp_path: Path) -> Iterator[RoleWorld]:
    """An empty warehouse and a shop of the opening day, with the roles made in both."""
    plan = ShopPlan(scale=0.02, days=2)
    for warehouse_url in fresh_postgresql(postgres_server):
        for shop_url in fresh_postgresql(postgres_server):
            Shop(plan).create(shop_url)
            Shop(plan).play(shop_url, 1)
            run_script(shop_url, "shop_postgresql.sql")
            execute(shop_url, f"alter role etl_extract password '{PASSWORD}'")
            yield RoleWorld(warehouse_url, shop_url, tmp_path, plan, load_catalog(PROJECT_DIR / "catalog"))
    for role in (*WAREHOUSE_ROLES, "etl_extract"):
        execute(postgres_server, f"drop role if exists {role}")


def test_two_days_by_four_roles_and_the_report_of_them(world: RoleWorld) -> None:
    world.set_up()
    world.run_day(1)
    Shop(world.plan).play(world.shop_url, 2)
    world.run_day(2)
    with world.warehouse("etl_report").reader() as connection:
        write_site(connection, world.folder / "report", SiteLinks())
    days = (world.folder / "report" / "daily-sales.csv").read_text(encoding="utf-8")
    assert world.plan.date_of(2).isoformat() in days
    assert count(world.warehouse_url, "select count(*) from warehouse.fact_sales") > 0
    assert count(world.warehouse_url, "select count(*) from pg_namespace where nspname like 'staging%'") == 0


def test_what_one_role_stages_becomes_a_copy_that_belongs_to_the_other(world: RoleWorld) -> None:
    """The first load of a replica, whose staged table takes the place of the copy."""
    stores = world.catalog.tables["shop.stores"].model_copy(update={"replica": Replica()})
    world.catalog = Catalog(
        sources={"shop": world.catalog.sources["shop"]},
        tables={"shop.stores": stores},
        dimensions={},
        facts={},
    )
    world.set_up()
    load, publish = world.warehouse("etl_load"), world.warehouse("etl_publish")
    run = Run("of_roles", "copies", None, True, "staging_of_roles")
    with load.lock(run):
        load.begin_run(run, [stores])
        publish.publish(run, world.stage(load, run), [])
        publish.end_run(run, "succeeded", "", [])
    owner = "select relowner::regrole::text = 'etl_publish' from pg_class where oid = 'replica.{}'::regclass"
    assert count(world.warehouse_url, owner.format(stores.replica_relation))
    execute(as_role(world.warehouse_url, "etl_load"), f"select 1 from replica.{stores.replica_relation}")
    refused(world.warehouse_url, "etl_load", f"delete from replica.{stores.replica_relation}")


def test_no_role_can_do_the_part_of_another(world: RoleWorld) -> None:
    world.set_up()
    refused(world.warehouse_url, "etl_load", "delete from warehouse.fact_sales")
    refused(world.warehouse_url, "etl_load", "insert into history.brand (brand_name) values ('x')")
    refused(world.warehouse_url, "etl_load", "update audit.watermarks set value = ''")
    refused(world.warehouse_url, "etl_load", "create table marts.mart_of_its_own ()")
    refused(world.warehouse_url, "etl_report", "select email from warehouse.dim_customer")
    refused(world.warehouse_url, "etl_report", "select payload from audit.quarantine")
    refused(world.warehouse_url, "etl_report", "set transaction read write; delete from audit.runs")
    refused(world.warehouse_url, "etl_publish", "create role another")
    execute(as_role(world.warehouse_url, "etl_publish"), "create table replica.of_publish (id integer)")
    execute(as_role(world.warehouse_url, "etl_load"), "select id from replica.of_publish")
    refused(world.warehouse_url, "etl_load", "delete from replica.of_publish")
    refused(world.warehouse_url, "etl_report", "select id from replica.of_publish")
    refused(world.shop_url, "etl_extract", "select * from demo_state")
    refused(world.shop_url, "etl_extract", "set transaction read write; delete from orders")


def test_a_warehouse_that_another_role_made_is_taken_over(world: RoleWorld) -> None:
    open_warehouse(world.warehouse_url, world.settings(), world.catalog).migrate()
    world.set_up()
    world.run_day(1)


def test_the_account_of_a_mysql_shop_reads_every_table_and_nothing_else(
    mysql_database: str, tmp_path: Path
) -> None:
    Shop(ShopPlan(scale=0.02, days=2)).create(mysql_database)
    catalog = load_catalog(PROJECT_DIR / "catalog")
    with shop_database(mysql_database) as shop:
        for statement in statements_of(ROLES_DIR / "shop_mysql.sql"):
            shop.query(statement)
        shop.query(f"alter user etl_extract identified by '{PASSWORD}' account unlock")
    try:
        url = as_role(mysql_database, "etl_extract")
        settings = Settings(_env_file=None, state_dir=tmp_path, shop_url=url)
        source = open_source(catalog.sources["shop"], settings)
        with source.snapshot(shop_tables(catalog)) as snapshot:
            for plan in plan_tables(
                catalog, settings, snapshot, known_tables(catalog, source, {}), Request()
            ):
                table = catalog.tables[plan.table]
                assert source.check_columns(table) == []
                assert source.read(table, Extract(plan.table, plan.window), snapshot).read_all().num_rows
        with shop_database(url) as shop:
            for statement in ("select * from demo_state", "delete from orders"):
                with pytest.raises(Exception, match="denied"):
                    shop.query(statement)
    finally:
        with shop_database(mysql_database) as shop:
            shop.query("drop user etl_extract")


@pytest.mark.parametrize("script", ["shop_postgresql.sql", "shop_mysql.sql"])
def test_the_shop_scripts_grant_the_tables_of_the_catalog(script: str) -> None:
    text = (ROLES_DIR / script).read_text(encoding="utf-8")
    read = {table.table for table in load_catalog(PROJECT_DIR / "catalog").tables.values() if table.table}
    assert [name for name in sorted({*read, "order_items"}) if name not in text] == []


def known_tables(catalog: Catalog, source: Source, watermarks: dict[str, str]) -> dict[str, KnownTable]:
    """What planning wants to know of each table."""
    return {
        table.qualified_name: KnownTable(watermarks.get(table.qualified_name), source.cursor_zone(table))
        for table in shop_tables(catalog)
    }


def shop_tables(catalog: Catalog) -> list[SourceTable]:
    """The tables that are read from the shop."""
    return [catalog.tables[name] for name in catalog.tables_of("shop")]


def as_role(url: str, role: str) -> str:
    """The same database by another account."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{PASSWORD}@{host}"))


def run_script(url: str, name: str) -> None:
    """Run a script of the project as psql would."""
    execute(url, (ROLES_DIR / name).read_text(encoding="utf-8"))


def statements_of(path: Path) -> list[str]:
    """The statements of a script, without its comments."""
    lines = (line.partition("--")[0] for line in path.read_text(encoding="utf-8").splitlines())
    return [statement.strip() for statement in "\n".join(lines).split(";") if statement.strip()]


def execute(url: str, statement: str) -> None:
    """Run something and commit."""
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)


def count(url: str, statement: str) -> int:
    """The one number that a query gives."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def refused(url: str, role: str, statement: str) -> None:
    """The role lacks the right to do it."""
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        execute(as_role(url, role), statement)
