"""Daily sales: headline figures and thirty business dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from etl.reports.drawing import (
    BAR,
    DAY_AXIS,
    LINE,
    SECOND,
    THOUSANDS,
    WIDE,
    Chart,
    Mark,
    Spec,
    framed,
    number,
)
from etl.reports.reading import Reader
from etl.reports.tables import Column, Kind, ReportTable, Row, shown

WEEK_DAYS = 7

_MEASURES: tuple[tuple[str, str, Kind], ...] = (
    ("total_amount", "Total sales", "amount"),
    ("net_amount", "Net sales", "amount"),
    ("order_count", "Orders", "count"),
    ("avg_order_value_amount", "Average order", "amount"),
    ("customer_count", "Customers", "count"),
    ("margin_pct", "Margin", "pct"),
)
_DAILY = (
    Column("full_date", "Date", "date"),
    Column("day_name", "Day"),
    Column("order_count", "Orders", "count"),
    Column("total_amount", "Total", "amount"),
    Column("avg_order_value_amount", "Average order", "amount"),
    Column("net_amount", "Net", "amount"),
    Column("profit_amount", "Profit", "amount"),
    Column("margin_pct", "Margin", "pct"),
    Column("customer_count", "Customers", "count"),
    Column("line_count", "Lines", "count"),
    Column("gross_amount", "Gross", "amount"),
    Column("discount_amount", "Discount", "amount"),
    Column("tax_amount", "Tax", "amount"),
    Column("shipping_amount", "Shipping", "amount"),
    Column("cost_amount", "Cost", "amount"),
    Column("running_month_net_amount", "Net in month so far", "amount"),
)


@dataclass(frozen=True, slots=True)
class Measure:
    """One headline figure of the newest business date beside that of the same weekday a week before."""

    label: str
    kind: Kind
    value: Any
    week_before: Any

    @property
    def change(self) -> float | None:
        """Per cent of the value a week before, points for a percentage; None without a comparison."""
        if self.value is None or self.week_before is None:
            return None
        if self.kind == "pct":
            return float(self.value - self.week_before)
        return float(100 * (self.value - self.week_before) / self.week_before) if self.week_before else None

    @property
    def change_text(self) -> str:
        """The change with its sign and unit."""
        unit = "points" if self.kind == "pct" else "%"
        return "no comparison" if self.change is None else f"{self.change:+,.1f} {unit}"


@dataclass(frozen=True, slots=True)
class Sales:
    """Up to thirty business dates, the newest last."""

    daily: tuple[Row, ...]

    @property
    def newest_date(self) -> date | None:
        """Newest business date of the fact; None for an empty warehouse."""
        newest: date | None = self.daily[-1]["full_date"] if self.daily else None
        return newest

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The headline figures; none for an empty warehouse."""
        if not self.daily:
            return ()
        newest = self.daily[-1]
        before = self.daily[-1 - WEEK_DAYS] if len(self.daily) > WEEK_DAYS else dict.fromkeys(newest)
        return tuple(Measure(label, kind, newest[name], before[name]) for name, label, kind in _MEASURES)

    @property
    def headline_table(self) -> ReportTable:
        """The headline figures as a table."""
        columns = (
            Column("measure", "Measure"),
            Column("value", "Value"),
            Column("before", "A week before"),
            Column("change", "Change"),
        )
        rows = tuple(
            {
                "measure": measure.label,
                "value": shown(measure.value, measure.kind),
                "before": shown(measure.week_before, measure.kind),
                "change": measure.change_text,
            }
            for measure in self.measures
        )
        note = (
            f"Business date {self.newest_date}, against the same weekday a week before."
            if rows
            else "The warehouse holds no sales yet."
        )
        return ReportTable("headline", "Headline figures", note, columns, rows)

    @property
    def daily_table(self) -> ReportTable:
        """Up to 30 business dates, the newest first."""
        note = "One row per business date, cancelled orders left out; total = net + tax + shipping."
        return ReportTable("daily-sales", "Daily sales, 30 days", note, _DAILY, self.daily[::-1])

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """Tables with a file of their own."""
        return (self.daily_table,)

    def charts(self) -> dict[str, Chart]:
        """Total of each business date as a bar, the mean of seven days as a line."""
        if not self.daily:
            return {}
        best = max(self.daily, key=lambda row: row["total_amount"])
        description = (
            f"Total sales of {len(self.daily)} business dates up to {self.newest_date}; the highest is "
            f"{shown(best['total_amount'], 'amount')} on {best['full_date']}."
            " The table below holds every value."
        )
        key = (
            Mark("Total sales", BAR),
            Mark("Newest date", LINE),
            Mark("Mean of seven days", SECOND, is_line=True),
        )
        return {
            "daily": Chart(
                "daily-sales", "Daily sales", description, key, lambda width: _spec(self.daily, width)
            )
        }


def read_sales(reader: Reader) -> Sales:
    """Read the thirty business dates that end with the newest one."""
    return Sales(reader.rows("daily_sales"))


def _spec(rows: Sequence[Row], width: int) -> Spec:
    values = [
        {
            "date": f"{row['full_date']}",
            "total": float(row["total_amount"]),
            "mean": number(row["week_mean_amount"]),
            "is_newest": row is rows[-1],
        }
        for row in rows
    ]
    x: Spec = {"field": "date", "type": "ordinal", "timeUnit": "utcyearmonthdate", "axis": DAY_AXIS}
    bars = {
        "mark": {"type": "bar", "cornerRadiusEnd": 2},
        "encoding": {
            "x": {**x, "scale": {"paddingInner": 0.28, "paddingOuter": 0.1}},
            "y": {
                "field": "total",
                "type": "quantitative",
                "stack": None,
                "axis": {**THOUSANDS, "tickCount": 5},
            },
            "color": {"condition": {"test": "datum.is_newest", "value": LINE}, "value": BAR},
        },
    }
    line = {
        "transform": [{"filter": "isValid(datum.mean)"}],
        "mark": {"type": "line", "strokeWidth": 2, "interpolate": "monotone", "color": SECOND},
        "encoding": {"x": x, "y": {"field": "mean", "type": "quantitative"}},
    }
    return framed(width, 300 if width == WIDE else 220, {"data": {"values": values}, "layer": [bars, line]})
