"""Sales by the segment that the shop gave its customers, over ninety days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from etl.reports.drawing import BAR, SECOND, Bars, Chart, Mark, nested_bars, number
from etl.reports.reading import Reader
from etl.reports.tables import Column, ReportTable, Row, shown

SEGMENT_DAYS = 90

_SEGMENTS = (
    Column("customer_segment", "Segment"),
    Column("customer_count", "Customers", "count"),
    Column("order_count", "Orders", "count"),
    Column("total_amount", "Revenue", "amount"),
    Column("share_pct", "Share", "pct"),
    Column("avg_order_value_amount", "Average order", "amount"),
    Column("net_amount", "Net", "amount"),
    Column("profit_amount", "Profit", "amount"),
    Column("margin_pct", "Margin", "pct"),
)
_BARS = (Bars("revenue", Mark("Revenue", BAR)), Bars("profit", Mark("Profit", SECOND), 0.34))


@dataclass(frozen=True, slots=True)
class Segments:
    """Segments by revenue, over the days that end with the newest business date."""

    segments: tuple[Row, ...]
    newest_date: date | None

    @property
    def table(self) -> ReportTable:
        """Segments by revenue."""
        note = "Segments as valid at the time of sale, customers once each; revenue = net + tax + shipping."
        if self.newest_date:
            note = f"{self.newest_date - timedelta(days=SEGMENT_DAYS - 1)} to {self.newest_date}. {note}"
        return ReportTable("segment-analysis", "Segment analysis, 90 days", note, _SEGMENTS, self.segments)

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """Tables with a file of their own."""
        return (self.table,)

    def charts(self) -> dict[str, Chart]:
        """Revenue of each segment as a bar, its profit within."""
        if not self.segments:
            return {}
        parts = [f"{row['customer_segment']} {shown(row['total_amount'], 'amount')}" for row in self.segments]
        values = [
            {
                "segment": row["customer_segment"],
                "revenue": float(row["total_amount"]),
                "profit": number(row["profit_amount"]),
            }
            for row in self.segments
        ]
        description = f"Revenue by segment: {'; '.join(parts)}. The table below holds every value."
        return {
            "segments": Chart(
                "segments",
                "Revenue and profit by segment",
                description,
                tuple(b.mark for b in _BARS),
                lambda width: nested_bars("segment", values, _BARS, width),
            )
        }


def read_segments(reader: Reader, newest_date: date | None) -> Segments:
    """Read the segments of the days that end with the newest business date."""
    if newest_date is None:
        return Segments((), None)
    first = newest_date - timedelta(days=SEGMENT_DAYS - 1)
    rows = reader.rows(
        "segment_sales", first_month=first.replace(day=1), first_date=first, newest_date=newest_date
    )
    return Segments(rows, newest_date)
