"""A warehouse that tables of a test are staged and settled in, for the whole session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from etl.settings import Settings
from tests.conftest import fresh_warehouse
from tests.warehouse.settling import Settling

RATES = """
create table warehouse.fact_exchange_rates (
    rate_date date not null,
    currency_code varchar(3) not null,
    rate numeric(18, 8) not null,
    primary key (rate_date, currency_code)
)
"""


@pytest.fixture(scope="session")
def settling(
    system: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settling]:
    """A migrated warehouse without dimensions and facts of its own."""
    folder = tmp_path_factory.mktemp("settling")
    for url in fresh_warehouse(system, request):
        yield Settling(url, Settings(_env_file=None, state_dir=folder, warehouse_url=url), folder)


@pytest.fixture
def rates(settling: Settling) -> Iterator[Settling]:
    """The same with rates, in units for one euro; there is no quotation on the weekend of 7 March."""
    settling.execute("drop table if exists warehouse.fact_exchange_rates")
    settling.execute(RATES)
    settling.execute(
        "insert into warehouse.fact_exchange_rates values"
        " ('2026-03-06', 'USD', 1.08), ('2026-03-06', 'GBP', 0.84), ('2026-03-06', 'JPY', 160.5),"
        " ('2026-03-09', 'USD', 1.10), ('2026-03-09', 'XXX', 0)"
    )
    yield settling
    settling.execute("drop table warehouse.fact_exchange_rates")
