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
from etl.warehouse import open_database
from etl.warehouse.database import Session, from_json
from etl.warehouse.warehouse import DatabaseWarehouse
from etl.windows import Window
from expectations.gate import judge

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
        self._database = open_database(url, settings)
        self._warehouse = DatabaseWarehouse(self._database, CATALOG)
        self._warehouse.migrate()

    def run(
        self, rows: Mapping[str, Sequence[Row]], suites: dict[str, list[dict[str, Any]]], cut: Cut
    ) -> Outcome:
        """Bring the rows, judge them by the rules, and publish when the gate is open."""
        run_id = uuid.uuid4().hex
        run, folder = Run(run_id, "judging", None, False, f"staging_{run_id}"), self._folder / run_id
        # A row that waits already is not written twice (law R4).
        emptied = ["audit.quarantine", "audit.rejected_rows"]
        emptied += [f"replica.{table.replica_relation}" for table in CATALOG.tables.values()]
        with self._database.session() as session:
            for relation in emptied:
                session.execute(f"delete from {relation}")
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
        judgement = judge(staged, self._warehouse.database, folder / "suites", folder / "state", run_id)
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
        held: dict[str, Counter[Any]] = {name: Counter() for name in CATALOG.tables}
        rejected: dict[str, Counter[str]] = {name: Counter() for name in CATALOG.tables}
        with self._database.session() as session:
            for name, payload, rules in _kept(session, "quarantine", "rules", run_id):
                held[name][payload[ODD], tuple(from_json(rules))] += 1
            for name, payload, _ in _kept(session, "rejected_rows", "reason", run_id):
                rejected[name][payload[ODD]] += 1
            loaded = {name: _loaded(session, table) for name, table in CATALOG.tables.items()}
        return Outcome({v.table: v for v in verdicts}, held, rejected, loaded, release)


def _kept(session: Session, relation: str, column: str, run_id: str) -> Iterator[tuple[str, Any, Any]]:
    """Table, payload and another column of what a run kept."""
    session.execute(
        f"select table_name, payload, {column} from audit.{relation} where run_id = %s", (run_id,)
    )
    for name, payload, value in session.fetchall():
        yield name, from_json(payload), value


def _loaded(session: Session, table: SourceTable) -> Counter[str]:
    session.execute(f"select {session.identifier(ODD)} from replica.{table.replica_relation}")
    return Counter(text for (text,) in session.fetchall())


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
