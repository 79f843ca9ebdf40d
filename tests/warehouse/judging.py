"""Rows of a parent and a child table through everything that a run does with them."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from etl.catalog import Catalog, SourceTable
from etl.handles import Extract, Release, Run, TablePlan, Verdict
from etl.landing import land
from etl.preparing import prepare
from etl.settings import Settings
from etl.warehouse.postgresql.warehouse import PostgreSQLWarehouse
from etl.windows import Window
from expectations.gate import judge
from tests.flows.world import execute, rows_of

Row = dict[str, str | None]
Suites = Mapping[str, list[dict[str, Any]]]
ODD = 'select "ü"; drop table y; -- 100%'
AS_OF = "2026-06-01 00:00:00.000000"


def _table(name: str, columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": name, "source": "s", "description": "T", "table": name, "columns": columns, "key": ["id"],
        "replica": {"guard": {"end_pct": 100, "change_pct": 100}}, "prepare": DROPS, **more,
    }  # fmt: skip


DROPS = [{"step": "drop_missing", "columns": [ODD]}]
COLUMNS = {
    "id": {"type": "bigint"},
    "n": {"type": "integer"},
    "amount": {"type": "decimal(6,2)"},
    ODD: {"type": "text"},
}
CATALOG = Catalog.model_validate(
    {
        "sources": {"s": {"name": "s", "description": "S", "url_setting": "shop_url"}},
        "tables": {
            "s.parents": _table("parents", COLUMNS),
            "s.children": _table(
                "children",
                {**COLUMNS, "parent_id": {"type": "bigint"}},
                parent={"table": "s.parents", "keys": {"parent_id": "id"}},
            ),
        },
        "dimensions": {},
        "facts": {},
    }
)
PARENTS, CHILDREN = CATALOG.tables["s.parents"], CATALOG.tables["s.children"]


@dataclass(frozen=True)
class Cut:
    """Into how many parts the rows are cut, and how many rows a batch has."""

    parts: int
    batch_rows: int


@dataclass
class Outcome:
    """What became of the rows of one run, each known by its text in ``ODD``.

    Attributes:
        held: Table -> text of the row -> rules, of rows in quarantine.
        loaded: Table -> texts of the rows in its copy.
        release: None when the gate was closed.
    """

    verdicts: dict[str, Verdict]
    held: dict[str, Counter[tuple[str, tuple[str, ...]]]]
    rejected: dict[str, Counter[str]]
    loaded: dict[str, Counter[str]]
    release: Release | None


class Judging:
    """A migrated warehouse with the two tables; each run begins with empty copies and nobody waiting."""

    def __init__(self, url: str, settings: Settings, folder: Path) -> None:
        self._folder = folder
        self._warehouse = PostgreSQLWarehouse(url, settings, CATALOG)
        self._warehouse.migrate()

    def run(
        self, rows: Mapping[str, Sequence[Row]], suites: dict[str, list[dict[str, Any]]], cut: Cut
    ) -> Outcome:
        """Bring the rows, judge them by the rules, and publish when the gate is open."""
        run_id = uuid.uuid4().hex
        run, folder = Run(run_id, "judging", None, False, f"staging_{run_id}"), self._folder / run_id
        for table in CATALOG.tables.values():
            execute(self._warehouse.url, f"delete from replica.{table.replica_relation}")
        # A row that waits already is not written twice (law R4).
        execute(self._warehouse.url, "truncate audit.quarantine, audit.rejected_rows")
        write_suites(folder / "suites", suites)
        self._warehouse.begin_run(run, list(CATALOG.tables.values()))
        for table in CATALOG.tables.values():
            self._stage(run, table, rows[table.qualified_name], cut)
        staged = [self._warehouse.settle(_plan(name), run) for name in CATALOG.parents_first()]
        followed, verdicts = [], []
        for settled in staged:
            followed.append(self._warehouse.follow_parents(settled))
            verdicts.append(self._judge(followed[-1], folder, run_id))
        release = None
        if all(verdict.is_open for verdict in verdicts):
            release = self._warehouse.publish(run, followed, verdicts)
        self._warehouse.end_run(run, "gate_closed", "closed", verdicts)
        return self._outcome(run_id, verdicts, release)

    def _judge(self, staged: Any, folder: Path, run_id: str) -> Verdict:
        judgement = judge(staged, self._warehouse.url, folder / "suites", folder / "state", run_id)
        if judgement.verdict.is_open:
            moved = self._warehouse.quarantine(staged, judgement.failed_rows)
            assert moved == judgement.verdict.quarantined_count
        return judgement.verdict

    def _stage(self, run: Run, table: SourceTable, rows: Sequence[Row], cut: Cut) -> None:
        for number in range(cut.parts):
            extract = Extract(table.qualified_name, Window(), part=f"{number + 1}of{cut.parts}")
            folder = self._folder / run.run_id
            landed = land(_reader(table, rows[number :: cut.parts], cut.batch_rows), extract, folder)
            self._warehouse.stage_part(prepare(landed, table, folder, "US"), run)

    def _outcome(self, run_id: str, verdicts: list[Verdict], release: Release | None) -> Outcome:
        query = f"select table_name, payload, {{}} from audit.{{}} where run_id = '{run_id}'"
        held: dict[str, Counter[Any]] = {name: Counter() for name in CATALOG.tables}
        rejected: dict[str, Counter[str]] = {name: Counter() for name in CATALOG.tables}
        for name, payload, rules in rows_of(self._warehouse.url, query.format("rules", "quarantine")):
            held[name][payload[ODD], tuple(rules)] += 1
        for name, payload, _ in rows_of(self._warehouse.url, query.format("reason", "rejected_rows")):
            rejected[name][payload[ODD]] += 1
        loaded = {
            name: Counter(
                text
                for (text,) in rows_of(
                    self._warehouse.url,
                    "select to_jsonb(t) ->> %s from replica." + table.replica_relation + " as t",
                    (ODD,),
                )
            )
            for name, table in CATALOG.tables.items()
        }
        return Outcome({v.table: v for v in verdicts}, held, rejected, loaded, release)


def write_suites(folder: Path, suites: Suites) -> None:
    """The rules of each table as a file."""
    folder.mkdir(parents=True)
    for table, rules in suites.items():
        told = {
            "table": table,
            "description": "T",
            "rules": [{"reason": "For this test.", **rule} for rule in rules],
        }
        (folder / f"{table}.yaml").write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")


def _plan(name: str) -> TablePlan:
    return TablePlan(name, None, Window(None, AS_OF), AS_OF, False, moves_watermark=False)


def _reader(table: SourceTable, rows: Sequence[Row], batch_rows: int) -> pa.RecordBatchReader:
    """Every value as text, as a file gives it."""
    schema = pa.schema({name: pa.string() for name in table.columns})

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(rows), batch_rows):
            yield pa.RecordBatch.from_pylist(list(rows[start : start + batch_rows]), schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())
