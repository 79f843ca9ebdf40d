"""Charts as inline SVG: Vega-Lite specifications, drawn by vl-convert without a network or a browser.

Specifications are plain mappings: importing altair to write them costs 0.4 s a process, the first
drawing 0.6 s, each further one 0.03 s. Colours are the variables of the pages' style sheet, so that a chart
follows light and dark; each is drawn wide and narrow, and the style sheet shows the one that fits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from markupsafe import Markup

from etl.reports.figures import Figures
from etl.reports.tables import Row, shown

Spec = dict[str, Any]

INK, FAINT, RULE = "var(--ink-soft)", "var(--ink-faint)", "var(--rule)"
BAR, SECOND, LINE = "var(--chart-bar)", "var(--chart-second)", "var(--chart-line)"
WIDE, NARROW = 960, 360

_SVG_TAG = re.compile(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>')
# Half the size: fractions of a hundredth of a pixel, and labels that an image hides from readers anyway.
_LONG_FRACTION = re.compile(r"(\d\.\d\d)\d+")
_FOR_READERS = re.compile(r' (?:aria-label|aria-roledescription|aria-hidden|role|pointer-events)="[^"]*"')
_FONT = "system-ui, sans-serif"
_CONFIG: Spec = {
    "background": None,
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "labelFontSize": 12,
        "title": None,
        "domain": False,
        "ticks": False,
        "gridColor": RULE,
        "labelPadding": 8,
    },
}
_THOUSANDS: Spec = {"format": "~s", "labelExpr": "datum.value === 0 ? '0' : datum.label"}


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart in its two widths, with the sentence that tells what it shows to who cannot see it."""

    title: str
    description: str
    wide: Markup
    narrow: Markup


def daily_chart(figures: Figures) -> Chart:
    """Total of each business date as a bar, the mean of seven days as a line."""
    best = max(figures.daily, key=lambda row: row["total_amount"])
    description = (
        f"Total sales of {len(figures.daily)} business dates up to {figures.newest_date}; the highest is "
        f"{shown(best['total_amount'], 'amount')} on {best['full_date']}. The table below holds every value."
    )
    return _chart("daily-sales", "Daily sales", description, lambda width: _daily_spec(figures.daily, width))


def segment_chart(figures: Figures) -> Chart:
    """Revenue of each segment as a bar, its profit within."""
    parts = [f"{row['customer_segment']} {shown(row['total_amount'], 'amount')}" for row in figures.segments]
    description = f"Revenue by segment: {'; '.join(parts)}. The table below holds every value."
    return _chart(
        "segments",
        "Revenue and profit by segment",
        description,
        lambda width: _segment_spec(figures.segments, width),
    )


def score_chart(figures: Figures) -> Chart:
    """Quality score of each run, the oldest first; a filled point where rules failed."""
    runs = [row for row in figures.runs[::-1] if row["quality_score_pct"] is not None]
    first, last = (shown(run["quality_score_pct"], "pct") for run in (runs[0], runs[-1]))
    description = f"Quality score of the last {len(runs)} judged runs, from {first} to {last}."
    return _chart("quality", "Quality score by run", description, lambda width: _score_spec(runs, width))


def _chart(name: str, title: str, description: str, spec: Callable[[int], Spec]) -> Chart:
    wide, narrow = (
        _svg(f"{name}-{kind}", title, description, spec(width))
        for kind, width in (("wide", WIDE), ("narrow", NARROW))
    )
    return Chart(title, description, wide, narrow)


def _svg(name: str, title: str, description: str, spec: Spec) -> Markup:
    # Loads a JavaScript engine: 60 MB that a process which draws nothing should not pay for.
    import vl_convert

    drawn = vl_convert.vegalite_to_svg({**spec, "config": _CONFIG})
    # Without width and height the drawing fills its box; the labels make it one image for a screen reader.
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" \\1 role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{_inert(title)}</title><desc id="{name}-desc">{_inert(description)}</desc>'
    )
    return Markup(_SVG_TAG.sub(head, _LONG_FRACTION.sub(r"\1", _FOR_READERS.sub("", drawn)), count=1))


def _inert(text: str) -> str:
    return escape(text).replace("\\", "\\\\")


def _daily_spec(rows: Sequence[Row], width: int) -> Spec:
    values = [
        {
            "date": f"{row['full_date']}",
            "total": float(row["total_amount"]),
            "mean": _number(row["week_mean_amount"]),
            "is_newest": False,
        }
        for row in rows
    ]
    values[-1]["is_newest"] = True
    x = {
        "field": "date",
        "type": "ordinal",
        "timeUnit": "utcyearmonthdate",
        "axis": {
            "labelAngle": 0,
            "format": "%-d %b",
            "labelOverlap": "greedy",
            "grid": False,
            "labelSeparation": 14,
        },
    }
    bars = {
        "mark": {"type": "bar", "cornerRadiusEnd": 2},
        "encoding": {
            "x": {**x, "scale": {"paddingInner": 0.28, "paddingOuter": 0.1}},
            "y": {
                "field": "total",
                "type": "quantitative",
                "stack": None,
                "axis": {**_THOUSANDS, "tickCount": 5},
            },
            "color": {"condition": {"test": "datum.is_newest", "value": LINE}, "value": BAR},
        },
    }
    line = {
        "transform": [{"filter": "isValid(datum.mean)"}],
        "mark": {"type": "line", "strokeWidth": 2, "interpolate": "monotone", "color": SECOND},
        "encoding": {"x": x, "y": {"field": "mean", "type": "quantitative"}},
    }
    return _framed(width, 300 if width == WIDE else 220, {"data": {"values": values}, "layer": [bars, line]})


def _segment_spec(rows: Sequence[Row], width: int) -> Spec:
    values = [
        {
            "segment": row["customer_segment"],
            "revenue": float(row["total_amount"]),
            "profit": _number(row["profit_amount"]),
        }
        for row in rows
    ]
    axis = {"labelLimit": width // 4, "grid": False, "labelFontSize": 13}
    y = {"field": "segment", "type": "nominal", "sort": None, "axis": axis, "scale": {"paddingInner": 0.35}}
    x = {
        "type": "quantitative",
        "stack": None,
        "axis": {**_THOUSANDS, "tickCount": 4 if width == NARROW else 8},
    }
    revenue = {
        "mark": {"type": "bar", "color": BAR, "cornerRadiusEnd": 3},
        "encoding": {"y": y, "x": {**x, "field": "revenue"}},
    }
    profit = {
        "mark": {"type": "bar", "color": SECOND, "cornerRadiusEnd": 2, "height": {"band": 0.34}},
        "encoding": {"y": y, "x": {**x, "field": "profit"}},
    }
    return _framed(width, max(90, 52 * len(rows)), {"data": {"values": values}, "layer": [revenue, profit]})


def _score_spec(runs: Sequence[Row], width: int) -> Spec:
    values = [
        {
            "run": number,
            "score": float(row["quality_score_pct"]),
            "status": row["status"],
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
    line = {"mark": {"type": "line", "color": LINE, "strokeWidth": 2}, "encoding": {"x": x, "y": y}}
    failed = {"test": "datum.status !== 'succeeded'", "value": "var(--bad)"}
    points = {
        "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
        "encoding": {"x": x, "y": y, "color": {"condition": failed, "value": LINE}},
    }
    return _framed(
        width, 220 if width == WIDE else 180, {"data": {"values": values}, "layer": [line, points]}
    )


def _framed(width: int, height: int, spec: Spec) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": width,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": {"left": 0, "right": 6, "top": 6, "bottom": 0},
        **spec,
    }


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
