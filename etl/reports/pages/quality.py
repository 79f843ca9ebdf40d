"""Quality: the score by run, rules that failed, and what waits in quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from etl.reports.drawing import BAD, INK, LINE, SECOND, WIDE, Chart, Mark, Spec, draw, framed
from etl.reports.reading import Reader
from etl.reports.tables import Column, ReportTable, Row, shown

_FAILING = (
    Column("business_date", "Business date", "date"),
    Column("table_name", "Table"),
    Column("rule", "Rule"),
    Column("column_name", "Column"),
    Column("severity", "Severity", "status"),
    Column("result", "Result"),
    Column("unexpected_count", "Rows", "count"),
    Column("element_count", "Of", "count"),
    Column("observed", "Observed"),
    Column("pipeline", "Pipeline"),
    Column("run_id", "Run", is_detail=True),
)
_QUARANTINE = (
    Column("table_name", "Table"),
    Column("rule", "Rule"),
    Column("row_count", "Rows", "count"),
    Column("run_count", "From runs", "count"),
)
_LINES = (LINE, SECOND, INK)


@dataclass(frozen=True, slots=True)
class Quality:
    """What the gate said in the newest runs.

    Attributes:
        runs: The runs that were judged, the oldest first.
        failing: Rules that failed or could not be checked in the newest runs, the newest run first.
        quarantine: Rows that wait, by table and rule.
    """

    runs: tuple[Row, ...]
    failing: tuple[Row, ...]
    quarantine: tuple[Row, ...]

    @property
    def failing_table(self) -> ReportTable:
        """Rules that failed, the newest run first."""
        note = "One row per run and rule that failed or could not be checked, the newest run first."
        return ReportTable("failing-rules", "Failing rules", note, _FAILING, self.failing)

    @property
    def quarantine_table(self) -> ReportTable:
        """Rows that wait in quarantine."""
        note = "Rows that the gate holds back, by the rule they broke; a row may count under two rules."
        return ReportTable("quarantine", "In quarantine", note, _QUARANTINE, self.quarantine)

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """Tables with a file of their own."""
        return (self.failing_table, self.quarantine_table)

    def failing_of(self, run_id: str) -> ReportTable:
        """Rules that failed in one run."""
        rows = tuple(row for row in self.failing if row["run_id"] == run_id)
        return ReportTable("failing-rules", "Failing rules", "Of this run.", _FAILING, rows)

    def charts(self) -> dict[str, Chart]:
        """Quality score of each run, a line per pipeline; a red point where a run did not succeed."""
        if not self.runs:
            return {}
        pipelines = list(dict.fromkeys(run["pipeline"] for run in self.runs))
        colours = {name: _LINES[place % len(_LINES)] for place, name in enumerate(pipelines)}
        first, last = (shown(run["quality_score_pct"], "pct") for run in (self.runs[0], self.runs[-1]))
        description = f"Quality score of the last {len(self.runs)} judged runs, from {first} to {last}."
        key = tuple(Mark(name, colour, is_line=True) for name, colour in colours.items())
        return {
            "score": draw(
                "quality",
                "Quality score by run",
                description,
                (*key, Mark("Run that did not succeed", BAD)),
                lambda width: _spec(self.runs, colours, width),
            )
        }


def read_quality(reader: Reader, runs: tuple[Row, ...]) -> Quality:
    """Read what the gate said in these runs, which stand the newest first."""
    judged = tuple(run for run in runs[::-1] if run["quality_score_pct"] is not None)
    run_ids = [run["run_id"] for run in runs]
    return Quality(judged, reader.rows("failing_rules", run_ids=run_ids), reader.rows("open_quarantine"))


def _spec(runs: Sequence[Row], colours: dict[str, str], width: int) -> Spec:
    values = [
        {
            "run": number,
            "score": float(row["quality_score_pct"]),
            "status": row["status"],
            "pipeline": row["pipeline"],
            "label": f"{row['business_date'] or row['started_at']:%-d %b}",
        }
        for number, row in enumerate(runs)
    ]
    lowest = min(value["score"] for value in values)
    labels = "{" + ", ".join(f"{value['run']}: '{value['label']}'" for value in values) + "}"
    x = {
        "field": "run",
        "type": "ordinal",
        "axis": {
            "labelExpr": f"{labels}[datum.value]",
            "labelAngle": 0,
            "labelOverlap": "greedy",
            "labelSeparation": 14,
            "grid": False,
        },
        "scale": {"padding": 0.5},
    }
    y = {
        "field": "score",
        "type": "quantitative",
        "scale": {"domain": [min(90, 10 * int(lowest // 10)), 100]},
        "axis": {"labelExpr": "datum.label + ' %'", "tickCount": 5},
    }
    scale = {"domain": list(colours), "range": list(colours.values())}
    colour: Spec = {"field": "pipeline", "type": "nominal", "scale": scale, "legend": None}
    failed = {"test": "datum.status !== 'succeeded'", "value": BAD}
    layers = [
        {"mark": {"type": "line", "strokeWidth": 2}, "encoding": {"x": x, "y": y, "color": colour}},
        {
            "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
            "encoding": {"x": x, "y": y, "color": {"condition": failed, **colour}},
        },
    ]
    return framed(width, 220 if width == WIDE else 180, {"data": {"values": values}, "layer": layers})
