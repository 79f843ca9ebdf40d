"""Charts as inline SVG: Vega-Lite specifications, drawn by vl-convert without a network or a browser.

Specifications are plain mappings: importing altair to write them costs 0.4 s a process. One process draws
all charts of a site: its first takes 0.6 s, each further one 0.03 s. Colours are the variables of the pages'
style sheet, so that a chart follows light and dark; each is drawn wide and narrow, and the style sheet shows
the one that fits.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from markupsafe import Markup

from etl.errors import StorehouseError

Spec = dict[str, Any]

INK, RULE = "var(--ink-soft)", "var(--rule)"
BAR, SECOND, LINE, BAD = "var(--chart-bar)", "var(--chart-second)", "var(--chart-line)", "var(--bad)"
WIDE, NARROW = 960, 360
# All charts of a site take a few seconds; an engine that hangs must not hold up the run for a day.
DRAWING_SECONDS = 300
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
# A browser's letters are wider than those that the drawing was measured with.
NAMES_PADDING: Spec = {"left": 16, "right": 6, "top": 6, "bottom": 0}
PER_CENT: Spec = {"labelExpr": "datum.label + ' %'"}
THOUSANDS: Spec = {"format": "~s", "labelExpr": "datum.value === 0 ? '0' : datum.label"}
DAY_AXIS: Spec = {
    "labelAngle": 0,
    "format": "%-d %b",
    "labelOverlap": "greedy",
    "grid": False,
    "labelSeparation": 14,
}

_ENGINE = Path(__file__).with_name("vega_engine.py")
# What the labels of the vertical axis of a panel and the gap beside it take.
_LABELS_WIDTH, _GAP_WIDTH = 46, 20
# Panels are of one width, whatever the labels of their vertical axes.
PANEL_AXIS: Spec = {"tickCount": 3, "minExtent": _LABELS_WIDTH, "maxExtent": _LABELS_WIDTH}
_SVG_TAG = re.compile(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>')
# Half the size: fractions of a hundredth of a pixel, and labels that an image hides from readers anyway.
_LONG_FRACTION = re.compile(r"(\d\.\d\d)\d+")
_FOR_READERS = re.compile(r' (?:aria-label|aria-roledescription|aria-hidden|role|pointer-events)="[^"]*"')
_CONFIG: Spec = {
    "background": None,
    "font": "system-ui, sans-serif",
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


@dataclass(frozen=True, slots=True)
class Mark:
    """One entry of a chart's key."""

    label: str
    colour: str
    is_line: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows, with its key and a sentence for who cannot see it.

    Attributes:
        name: Unique in the site.
        spec: Width in pixels -> Vega-Lite specification, as :func:`framed` makes one.
    """

    name: str
    title: str
    description: str
    key: tuple[Mark, ...]
    spec: Callable[[int], Spec]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart in its two widths, with its key."""

    key: tuple[Mark, ...]
    wide: Markup
    narrow: Markup


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one measure in a layered chart, each layer narrower than the one behind it."""

    field: str
    mark: Mark
    band: float = 1.0


def draw(charts: Mapping[str, Chart]) -> dict[str, Drawing]:
    """Draw charts in both widths, all in one process; the drawings under the names of their charts.

    Raises:
        StorehouseError: The drawing process failed.
    """
    specs = [
        {**chart.spec(width), "config": _CONFIG} for chart in charts.values() for width in (WIDE, NARROW)
    ]
    svgs = _svgs(specs) if specs else []
    return {
        name: Drawing(
            chart.key,
            _labelled(wide, f"{chart.name}-wide", chart),
            _labelled(narrow, f"{chart.name}-narrow", chart),
        )
        for (name, chart), wide, narrow in zip(charts.items(), svgs[::2], svgs[1::2], strict=True)
    }


def framed(width: int, height: int, spec: Spec) -> Spec:
    """A specification of that size with the margins that all charts share."""
    return {
        "$schema": SCHEMA,
        "width": width,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": {"left": 0, "right": 6, "top": 6, "bottom": 0},
        **spec,
    }


def names_axis(field: str, width: int) -> Spec:
    """The vertical axis of horizontal bars, in the order of the values."""
    return {
        "field": field,
        "type": "nominal",
        "sort": None,
        "axis": {
            "labelLimit": 2 * width // (5 if width == NARROW else 8),
            "grid": False,
            "labelFontSize": 13,
        },
        "scale": {"paddingInner": 0.35},
    }


def names_padding(names: Sequence[str]) -> Spec:
    """Room for the wider letters of a browser before the longest name."""
    return {**NAMES_PADDING, "left": 16 + max((len(name) for name in names), default=0) // 2}


def nested_bars(
    name: str, values: Sequence[Spec], bars: Sequence[Bars], width: int, axis: Spec | None = None
) -> Spec:
    """Horizontal bars, one group per value of the field ``name``, the measures drawn into each other."""
    y = names_axis(name, width)
    x: Spec = {
        "type": "quantitative",
        "stack": None,
        "axis": {**(axis or THOUSANDS), "tickCount": 4 if width == NARROW else 8},
    }
    layers = [
        {
            "mark": {"type": "bar", "color": b.mark.colour, "cornerRadiusEnd": 3, "height": {"band": b.band}},
            "encoding": {"y": y, "x": {**x, "field": b.field}},
        }
        for b in bars
    ]
    spec = {"data": {"values": list(values)}, "layer": layers, "padding": NAMES_PADDING}
    return framed(width, max(90, 52 * len(values)), spec)


def stacked_bars(
    name: str, rows: Sequence[Spec], parts: Sequence[tuple[str, Mark]], width: int, row_height: int = 34
) -> Spec:
    """Horizontal bars, one per row and named by its field ``name``, of counts that add up.

    Args:
        parts: Field and mark of each part, from the left.
    """
    values = [
        {"name": row[name], "label": mark.label, "place": place, "count": int(row[field])}
        for row in rows
        for place, (field, mark) in enumerate(parts)
    ]
    labels, colours = zip(*((mark.label, mark.colour) for _, mark in parts), strict=True)
    encoding = {
        "y": names_axis("name", width),
        "x": {"field": "count", "type": "quantitative", "axis": _counts_axis(values)},
        "color": {
            "field": "label",
            "type": "nominal",
            "scale": {"domain": list(labels), "range": list(colours)},
            "legend": None,
        },
        "order": {"field": "place"},
    }
    spec = {
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": encoding,
        "padding": names_padding([row[name] for row in rows]),
    }
    return framed(width, max(90, row_height * len(rows)), spec)


def in_panels(by: str, values: Sequence[Spec], layers: Sequence[Spec], width: int, shares_y: bool) -> Spec:
    """One small chart for each value of the field ``by``, in their order: three abreast, or one.

    Args:
        layers: What each panel shows; their vertical axes take ``PANEL_AXIS``.
        shares_y: The panels have one scale, so that they can be compared.
    """
    names = sorted({value[by] for value in values})
    abreast = 1 if width == NARROW else min(3, len(names))
    header = {
        **{"title": None, "labelAnchor": "start", "labelColor": INK, "labelFontSize": 13},
        "labelFontWeight": 600,
    }
    scales = {"x": "independent", "y": "shared" if shares_y else "independent"}
    return {
        "$schema": SCHEMA,
        "data": {"values": list(values)},
        "padding": {"left": 0, "right": 6, "top": 6, "bottom": 0},
        "facet": {"field": by, "type": "nominal", "sort": names, "header": header},
        "columns": abreast,
        "spacing": {"row": 20, "column": _GAP_WIDTH},
        "spec": {
            "width": width // abreast - _LABELS_WIDTH - _GAP_WIDTH,
            "height": 96,
            "layer": list(layers),
        },
        "resolve": {"scale": scales, "axis": {"x": "independent", "y": "independent"}},
    }


def _counts_axis(values: Sequence[Spec]) -> Spec:
    """Whole numbers, also where the longest bar counts few."""
    totals: dict[str, int] = {}
    for value in values:
        totals[value["name"]] = totals.get(value["name"], 0) + value["count"]
    longest = max(totals.values(), default=0)
    return {"format": "d", **({"values": list(range(longest + 1))} if longest < 7 else {"tickCount": 6})}


def number(value: Any) -> float | None:
    """A measure as Vega takes it."""
    return None if value is None else float(value)


def _svgs(specs: list[Spec]) -> list[str]:
    # Isolated: it needs nothing of the project. In a session of its own, so that Ctrl-C stops the run alone.
    remedy = "What was published stands; run the flow again for its pages, and report it if it fails again."
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_ENGINE)],
            input=json.dumps(specs),
            capture_output=True,
            encoding="utf-8",
            check=False,
            start_new_session=True,
            timeout=DRAWING_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise StorehouseError(
            f"{len(specs)} charts were not drawn by {_ENGINE.name} within {DRAWING_SECONDS} s.", remedy
        ) from error
    if done.returncode:
        raise StorehouseError(
            f"{len(specs)} charts could not be drawn by {_ENGINE.name}, which ended with {done.returncode}:"
            f" {done.stderr.strip() or 'it said nothing'}",
            remedy,
        )
    svgs: list[str] = json.loads(done.stdout)
    return svgs


def _labelled(svg: str, name: str, chart: Chart) -> Markup:
    # Without width and height the drawing fills its box; the labels make it one image for a screen reader.
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" \\1 role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{_inert(chart.title)}</title>'
        f'<desc id="{name}-desc">{_inert(chart.description)}</desc>'
    )
    return Markup(_SVG_TAG.sub(head, _LONG_FRACTION.sub(r"\1", _FOR_READERS.sub("", svg)), count=1))


def _inert(text: str) -> str:
    return escape(text).replace("\\", "\\\\")
