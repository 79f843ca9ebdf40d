"""What the gate costs: twelve rules on 1 M rows against one hand-written statement that asks the same.

    python -m tests.bench.gate [--rows 1000000] [--rounds 5]

Starts a PostgreSQL of its own and prints one line per case: seconds of the hand-written SQL, of the gate,
and their ratio, as minimum and median of rounds in which the two take turns. The import of Great
Expectations and the making of pages are not in it; all else that a judgement does is.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg2

from etl.embedded import EmbeddedServer
from etl.handles import StagedTable
from etl.settings import get_settings
from etl.warehouse.postgresql.warehouse import PostgreSQLWarehouse
from tests.gate.staging import CATALOG, StagedShop
from tests.servers import temporary_folder

TABLE = "shop.order_items"
SUITE = Path(__file__).with_name("gate.suite.yaml")

# The twelve rules in one scan, and the uniqueness of the key in another.
HAND_WRITTEN = """
with repeated as (
    select count(*) as keys from (
        select order_item_id from stg_shop__order_items group by order_item_id having count(*) > 1
    ) as k
)

select
    count(*),
    count(*) filter (where order_item_id is null),
    (select keys from repeated),
    count(*) filter (where order_id is null),
    count(*) filter (where line_number < 1),
    count(*) filter (where product_id is null),
    count(*) filter (where quantity < 1 or quantity > 1000),
    count(*) filter (where unit_price < 0),
    count(*) filter (where discount_amount < 0),
    count(*) filter (where quantity not in (1, 2, 3, 4, 5, 6, 7, 8, 9)),
    count(*) filter (where not discount_amount <= quantity * unit_price),
    avg(unit_price)
from stg_shop__order_items
"""
ROWS = """
select
    n, (n + 1) / 2, 2 - n % 2, nullif(n % 1000, {bad}) , n % 9 + 1, 10 + n % 90, 1.00, now()
from generate_series(1, {rows}) as n
"""
SPOIL = """
update stg_shop__order_items set
    quantity = case when _row % 3 = 0 then -1 else quantity end,
    unit_price = case when _row % 3 = 1 then -1 else unit_price end,
    product_id = case when _row % 3 = 2 then null else product_id end
where (_row * 7919) % 1000 < {per_mille}
"""
