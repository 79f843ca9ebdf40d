"""What the quarantine is in lines of text."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from etl.held_back import HeldBackGroup, HeldBackRow, Selection

RUN_CHARACTERS = 12
DEPLOYMENT = "replay-quarantine"


def group_lines(groups: Sequence[HeldBackGroup]) -> list[str]:
    """Counts by table, rule and run; a row that broke two rules counts under both."""
    cells = [
        (
            g.table_name,
            g.rule,
            str(g.entry_count),
            _age(g.age_days),
            f"{g.run_id[:RUN_CHARACTERS]} {g.pipeline}",
        )
        for g in groups
    ]
    return _aligned([("table", "rule", "rows", "age", "run"), *cells])


def row_lines(rows: Sequence[HeldBackRow]) -> list[str]:
    """One line for each row, without its values but its key."""
    cells = [
        (
            str(row.entry_id),
            row.table_name,
            row.key_text,
            ", ".join(row.rules),
            _age(row.age_days),
            row.run_id[:RUN_CHARACTERS],
            row.source_file or "",
        )
        for row in rows
    ]
    return _aligned([("id", "table", "key", "rules", "age", "run", "file"), *cells])


def entry_lines(row: HeldBackRow) -> list[str]:
    """All that is known of a row, its values included."""
    facts = {
        "table": row.table_name,
        "key": row.key_text,
        "rules": ", ".join(row.rules),
        "run": f"{row.run_id} ({row.pipeline}, {row.held_at:%Y-%m-%d %H:%M} UTC, {_waited(row.age_days)})",
        "as of": f"{row.as_of:%Y-%m-%d %H:%M:%S.%f} UTC" if row.as_of else None,
        "file": row.source_file,
        "status": row.status,
        "settled": f"{row.closed_at:%Y-%m-%d %H:%M} UTC" if row.closed_at else None,
        "settled by": row.closed_run_id,
        "reason": row.closed_reason,
    }
    width = max(map(len, (*facts, *row.payload)), default=0)
    lines = [f"{name:<{width}}  {value}" for name, value in facts.items() if value]
    values = [
        f"{name:<{width}}  {json.dumps(value, ensure_ascii=False)}" for name, value in row.payload.items()
    ]
    return [f"Quarantined row {row.entry_id}", *lines, "", "The row as it was staged:", *values]


def command_of(selection: Selection, from_source: bool) -> list[str]:
    """The commands that replay a selection: by a worker, and here and now."""
    given = {name: value for name, value in selection.values.items() if value}
    parameters = {**given, **({"from_source": True} if from_source else {})}
    words = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in parameters.items()]
    of_prefect = " ".join(f"--param {shlex.quote(word)}" for word in words)
    here = " ".join(shlex.quote(word) for word in words)
    return [
        "By a worker:",
        f"  .venv/bin/prefect deployment run {DEPLOYMENT}/{DEPLOYMENT} {of_prefect} --watch",
        "Here and now:",
        f"  .venv/bin/python -m deployments.run {DEPLOYMENT} {here}",
    ]


def _age(days: int) -> str:
    return "today" if days < 1 else f"{days} d"


def _waited(days: int) -> str:
    return "today" if days < 1 else f"{days} d ago"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
