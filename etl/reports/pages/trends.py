"""Charts of the page of monitoring: figures over runs, a panel per pipeline, and tables by their age."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from etl.reports.drawing import (
    BAD,
    BAR,
    LINE,
    NARROW,
    PANEL_AXIS,
    SECOND,
    THOUSANDS,
    Chart,
    Mark,
    Spec,
    framed,
    in_panels,
    names_axis,
    names_padding,
    number,
    stacked_bars,
)
from etl.reports.tables import Row, shown

MOST_BARS, MOST_PANELS = 20, 12
AGES = (
    ("day_count", Mark("Under 1 day", BAR)),
    ("week_count", Mark("1 to 7 days", LINE)),
    ("month_count", Mark("7 to 28 days", SECOND)),
    ("older_count", Mark("Longer", BAD)),
)
_SEVERITIES = (
    ("critical_count", Mark("Critical", BAD)),
    ("warning_count", Mark("Warning", SECOND)),
    ("info_count", Mark("Info", BAR)),
)


def score_chart(runs: Sequence[Row]) -> Chart | None:
    """Quality score of each run, a panel per pipeline; a red point where a run did not succeed."""
    judged = [run for run in runs if run["quality_score_pct"] is not None]
    if not judged:
        return None
    first, last = (shown(run["quality_score_pct"], "pct") for run in (judged[0], judged[-1]))
    description = (
        f"Quality score of the last {len(judged)} judged runs, from {first} to {last}."
        " The table of figures by run holds every value."
    )
    key = (Mark("Quality score", LINE, is_line=True), Mark("Run that did not succeed", BAD))
    values = [
        {**value, "score": number(run["quality_score_pct"])}
        for value, run in zip(_labelled(judged), judged, strict=True)
    ]
    lowest = min(value["score"] for value in values)
    y: Spec = {
        "field": "score",
        "type": "quantitative",
        "scale": {"domain": [min(90, 10 * int(lowest // 10)), 100]},
        "axis": {**PANEL_AXIS, "labelExpr": "datum.label + ' %'"},
    }
    failed = {"test": "datum.status !== 'succeeded'", "value": BAD}
    point = {"type": "point", "filled": True, "size": 45, "opacity": 1}
    x = _runs_axis(values)
    colour = {"condition": failed, "value": LINE}
    layers: list[Spec] = [
        {"mark": {"type": "line", "strokeWidth": 2, "color": LINE}, "encoding": {"x": x, "y": y}},
        {"mark": point, "encoding": {"x": x, "y": y, "color": colour}},
    ]
    return Chart(
        "quality",
        "Quality score by run",
        description,
        key,
        lambda width: in_panels("pipeline", values, layers, width, shares_y=True),
    )


def failing_chart(runs: Sequence[Row]) -> Chart | None:
    """Failing rules of each judged run by severity, a panel per pipeline in which there was one."""
    troubled = {run["pipeline"] for run in runs if run["failing_rule_count"]}
    judged = [run for run in runs if run["rule_count"] and run["pipeline"] in troubled]
    if not judged:
        return None
    total = sum(run["failing_rule_count"] for run in judged)
    description = (
        f"Rules that failed or could not be checked in the last {len(judged)} judged runs, {total} in all."
        " The table of figures by run holds every value."
    )
    values = [
        {**value, "count": run[field], "severity": mark.label, "layer": layer}
        for value, run in zip(_labelled(judged), judged, strict=True)
        for layer, (field, mark) in enumerate(_SEVERITIES)
    ]
    marks = tuple(mark for _, mark in _SEVERITIES)
    scale = {"domain": [mark.label for mark in marks], "range": [mark.colour for mark in marks]}
    encoding: Spec = {
        "x": _runs_axis(values),
        "y": {
            "field": "count",
            "type": "quantitative",
            "scale": {"domainMax": max(3, *(run["failing_rule_count"] for run in judged))},
            "axis": {**PANEL_AXIS, "tickMinStep": 1, "format": "d"},
        },
        "color": {"field": "severity", "type": "nominal", "scale": scale, "legend": None},
        "order": {"field": "layer"},
    }
    layers: list[Spec] = [{"mark": {"type": "bar"}, "encoding": encoding}]
    return Chart(
        "failing",
        "Failing rules by run",
        description,
        marks,
        lambda width: in_panels("pipeline", values, layers, width, shares_y=True),
    )


def work_chart(runs: Sequence[Row], field: str, title: str) -> Chart | None:
    """One measure of each run that has it, a panel with a scale of its own per pipeline."""
    measured = [run for run in runs if run[field] is not None]
    if not measured:
        return None
    total = sum(run[field] for run in measured)
    description = (
        f"{title}, for the last {len(measured)} runs: {shown(total, 'count')} in all."
        " The table of figures by run holds every value."
    )
    values = [
        {**value, "measure": number(run[field])}
        for value, run in zip(_labelled(measured), measured, strict=True)
    ]
    failed = {"test": "datum.status !== 'succeeded'", "value": BAD}
    encoding: Spec = {
        "x": _runs_axis(values),
        "y": {"field": "measure", "type": "quantitative", "axis": {**PANEL_AXIS, **THOUSANDS}},
        "color": {"condition": failed, "value": BAR},
    }
    layers: list[Spec] = [{"mark": {"type": "bar"}, "encoding": encoding}]
    return Chart(
        field,
        title,
        description,
        (Mark(title.partition(" by ")[0], BAR), Mark("Run that did not succeed", BAD)),
        lambda width: in_panels("pipeline", values, layers, width, shares_y=False),
    )


def freshness_chart(tables: Sequence[Row]) -> Chart | None:
    """Time since the last success of each table, red where its newest run did not succeed."""
    known = [row for row in tables if row["hours_since_success"] is not None][:MOST_BARS]
    if not known:
        return None
    description = (
        f"Hours from the last success of {len(known)} tables to the newest run; the longest is"
        f" {known[0]['table_name']} with {shown(known[0]['hours_since_success'], 'hours')}."
        " The table below holds every value."
    )
    unit, factor = _unit(float(known[0]["hours_since_success"]))
    values = [
        {
            "table": row["table_name"],
            "age": factor * float(row["hours_since_success"]),
            "is_bad": row["newest_status"] not in ("succeeded", "running"),
        }
        for row in known
    ]
    return Chart(
        "freshness",
        "Time since the last success",
        description,
        (Mark("Since the last success", BAR), Mark("Newest run did not succeed", BAD)),
        lambda width: _bars(values, unit, width),
    )


def ages_chart(tables: Sequence[Row]) -> Chart | None:
    """Rows in quarantine by table and age."""
    if not tables:
        return None
    shown_tables = tables[:MOST_BARS]
    parts = [f"{sum(row[name] for row in tables)} {mark.label.lower()}" for name, mark in AGES]
    description = (
        f"Rows in quarantine of {len(tables)} tables by age: {', '.join(parts)}."
        " The table below holds every value."
    )
    return Chart(
        "ages",
        "How long rows wait in quarantine",
        description,
        tuple(mark for _, mark in AGES),
        lambda width: stacked_bars("table_name", shown_tables, AGES, width),
    )


def charted(runs: Sequence[Row]) -> list[Row]:
    """Of runs that stand the oldest first, those of the pipelines that ran last; each backfill is one."""
    newest_first = list(dict.fromkeys(run["pipeline"] for run in runs[::-1]))
    return [run for run in runs if run["pipeline"] in newest_first[:MOST_PANELS]]


def _bars(values: Sequence[Spec], unit: str, width: int) -> Spec:
    encoding = {
        "y": names_axis("table", width),
        "x": {
            "field": "age",
            "type": "quantitative",
            "scale": {"domainMin": 0, "nice": True},
            "axis": {"labelExpr": f"datum.label + ' {unit}'", "tickCount": 4 if width == NARROW else 8},
        },
        "color": {"condition": {"test": "datum.is_bad", "value": BAD}, "value": BAR},
    }
    spec = {
        "data": {"values": list(values)},
        "mark": {"type": "bar"},
        "encoding": encoding,
        "padding": names_padding([value["table"] for value in values]),
    }
    return framed(width, max(90, 26 * len(values)), spec)


def _unit(hours: float) -> tuple[str, float]:
    """A unit in which an age reads well, and how many of it make an hour."""
    if hours < 2:
        return "min", 60
    return ("h", 1) if hours < 96 else ("d", 1 / 24)


def _labelled(runs: Sequence[Row]) -> list[Spec]:
    """Runs as the charts take them: the place among all, by which the axis knows a run, and its label.

    A run is labelled by its business date; without one by its day, or its time where all are of one day.
    """
    days = [pipeline for pipeline, _ in {(run["pipeline"], run["started_at"].date()) for run in runs}]
    return [
        {
            "run": place,
            "label": _label(run, is_of_one_day=days.count(run["pipeline"]) == 1),
            "pipeline": run["pipeline"],
            "status": run["status"],
        }
        for place, run in enumerate(runs)
    ]


def _label(run: Row, is_of_one_day: bool) -> str:
    if run["business_date"]:
        return f"{run['business_date']:%-d %b}"
    return f"{run['started_at'].astimezone(UTC):{'%H:%M' if is_of_one_day else '%-d %b'}}"


def _runs_axis(values: Sequence[Spec]) -> Spec:
    labels = ", ".join(f"{run}: '{label}'" for run, label in {v["run"]: v["label"] for v in values}.items())
    return {
        "field": "run",
        "type": "ordinal",
        "axis": {
            "labelExpr": f"{{{labels}}}[datum.value]",
            "labelAngle": 0,
            "labelOverlap": "greedy",
            "labelSeparation": 14,
            "grid": False,
        },
        "scale": {"padding": 0.3},
    }
