"""Charts are drawn by a process of their own, whose engine the process of a run never holds."""

from __future__ import annotations

import pytest

from etl.errors import StorehouseError
from etl.reports.drawing import NARROW, WIDE, Chart, draw, framed
from tests.processes import imported_by

CODE = """
from etl.reports.drawing import Chart, draw, framed
bars = {"data": {"values": [{"a": 1}]}, "mark": "bar", "encoding": {"x": {"field": "a"}}}
drawn = draw({"one": Chart("one", "One", "A bar.", (), lambda width: framed(width, 90, bars))})
assert "<path" in drawn["one"].wide, drawn
"""


def test_who_draws_has_no_engine() -> None:
    """Drawn in the process itself, vl_convert would be among its modules."""
    assert "vl_convert" not in imported_by(CODE)


def test_each_chart_has_its_own_drawings() -> None:
    def chart(name: str, value: int) -> Chart:
        data = {"values": [{"a": f"{name} {value}"}]}
        spec = {"data": data, "mark": "text", "encoding": {"text": {"field": "a"}}}
        return Chart(name, f"<{name}>", f"{name} & \\1", (), lambda width: framed(width, 90, spec))

    drawn = draw({"x": chart("first", 1), "y": chart("second", 2)})
    for name, text in (("x", "first 1"), ("y", "second 2")):
        assert text in drawn[name].wide
        assert text in drawn[name].narrow
    assert f'viewBox="0 0 {WIDE} 90"' in drawn["x"].wide
    assert f'viewBox="0 0 {NARROW} 90"' in drawn["y"].narrow
    assert '<title id="second-narrow-title">&lt;second&gt;</title>' in drawn["y"].narrow
    assert '<desc id="first-wide-desc">first &amp; \\1</desc>' in drawn["x"].wide


def test_nothing_to_draw_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere")
    assert draw({}) == {}


def test_what_cannot_be_drawn_is_told() -> None:
    wrong = Chart("wrong", "Wrong", "", (), lambda width: {"mark": width})
    with pytest.raises(StorehouseError, match=r"2 charts could not be drawn .* ended with 1: Vega-Lite"):
        draw({"wrong": wrong})


def test_an_engine_that_hangs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etl.reports.drawing.DRAWING_SECONDS", 0.001)
    with pytest.raises(StorehouseError, match="2 charts were not drawn"):
        draw({"x": Chart("slow", "Slow", "", (), lambda width: {"mark": "bar", "width": width})})
