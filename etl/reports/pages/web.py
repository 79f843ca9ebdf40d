"""Web analytics: from the visit to the purchase, by day and by channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from etl.reports.drawing import (
    BAR,
    DAY_AXIS,
    LINE,
    SECOND,
    THOUSANDS,
    WIDE,
    Bars,
    Chart,
    Mark,
    Spec,
    framed,
    nested_bars,
)
from etl.reports.reading import Reader
from etl.reports.tables import Column, ReportTable, Row

_STEPS = (
    Column("session_count", "Visits", "count"),
    Column("product_session_count", "Saw a product", "count"),
    Column("cart_session_count", "Saw the cart", "count"),
    Column("checkout_session_count", "At checkout", "count"),
    Column("converted_session_count", "Bought", "count"),
    Column("conversion_pct", "Conversion", "pct"),
    Column("conversion_count", "Purchases", "count"),
    Column("revenue_amount", "Revenue, USD", "amount"),
    Column("order_count", "Orders of the shop", "count"),
    Column("order_total_amount", "Paid, by the shop's books", "amount"),
    Column("page_view_count", "Pages", "count"),
    Column("avg_duration_seconds", "Seconds a visit", "seconds"),
)
_DAYS = (Column("full_date", "Date", "date"), *_STEPS)
_CHANNELS = (Column("channel", "Channel"), *_STEPS)
_BARS = (
    Bars("session_count", Mark("Visits", BAR)),
    Bars("cart_session_count", Mark("Saw the cart", LINE), 0.62),
    Bars("converted_session_count", Mark("Bought", SECOND), 0.3),
)


@dataclass(frozen=True, slots=True)
class Web:
    """The funnel of up to thirty business dates.

    Attributes:
        days: One row per business date, the newest last.
        channels: One row per channel over these dates, the one with most visits first.
    """

    days: tuple[Row, ...]
    channels: tuple[Row, ...]

    @property
    def newest_date(self) -> date | None:
        """Newest date with a visit; None before the first one."""
        newest: date | None = self.days[-1]["full_date"] if self.days else None
        return newest

    @property
    def conversion_pct(self) -> float | None:
        """Per cent of all visits shown that bought something."""
        visits = sum(row["session_count"] for row in self.days)
        bought = sum(row["converted_session_count"] for row in self.days)
        return float(100 * bought / visits) if visits else None

    @property
    def day_table(self) -> ReportTable:
        """The funnel by day, the newest first."""
        note = "One row per business date on which visits began; each step counts visits, not pages."
        return ReportTable("web-funnel-days", "Funnel by day", note, _DAYS, self.days[::-1])

    @property
    def channel_table(self) -> ReportTable:
        """The funnel by channel."""
        note = (
            "One row per medium of the link that led here, over the same days; (direct) came without one,"
            " (unknown) are purchases whose visit is not known."
        )
        return ReportTable("web-funnel-channels", "Funnel by channel", note, _CHANNELS, self.channels)

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """Tables with a file of their own."""
        return (self.channel_table, self.day_table)

    def charts(self) -> dict[str, Chart]:
        """Visits that came so far, by day and by channel."""
        if not self.days:
            return {}
        key = tuple(b.mark for b in _BARS)
        days = (
            f"Visits of {len(self.days)} business dates up to {self.newest_date}, those that saw the cart and"
            " those that bought. The table below holds every value."
        )
        parts = [f"{row['channel']} {row['session_count']}" for row in self.channels]
        channels = f"Visits by channel: {', '.join(parts)}. The table below holds every value."
        return {
            "web_days": Chart("web-days", "Visits by day", days, key, lambda width: _spec(self.days, width)),
            "web_channels": Chart(
                "web-channels",
                "Visits by channel",
                channels,
                key,
                lambda width: nested_bars("channel", [_counts(row) for row in self.channels], _BARS, width),
            ),
        }


def read_web(reader: Reader) -> Web:
    """Read the funnel by day and by channel."""
    return Web(reader.rows("web_days"), reader.rows("web_channels"))


def _counts(row: Row) -> Spec:
    named = {"channel": row["channel"]} if "channel" in row else {"date": f"{row['full_date']}"}
    return {**named, **{b.field: int(row[b.field]) for b in _BARS}}


def _spec(days: Sequence[Row], width: int) -> Spec:
    x: Spec = {
        "field": "date",
        "type": "ordinal",
        "timeUnit": "utcyearmonthdate",
        "axis": DAY_AXIS,
        "scale": {"paddingInner": 0.28, "paddingOuter": 0.1},
    }
    y: Spec = {"type": "quantitative", "stack": None, "axis": {**THOUSANDS, "tickCount": 5}}
    layers = [
        {
            "mark": {
                "type": "bar",
                "color": b.mark.colour,
                "cornerRadiusEnd": 2,
                "width": {"band": b.band},
            },
            "encoding": {"x": x, "y": {**y, "field": b.field}},
        }
        for b in _BARS
    ]
    data = {"values": [_counts(row) for row in days]}
    return framed(width, 300 if width == WIDE else 220, {"data": data, "layer": layers})
