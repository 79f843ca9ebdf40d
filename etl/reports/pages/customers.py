"""Customers: segments by recency, frequency and money, moves between them, and cohorts; no persons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from etl.reports.drawing import BAR, PER_CENT, SECOND, Bars, Chart, Mark, nested_bars
from etl.reports.reading import Reader
from etl.reports.tables import Column, ReportTable, Row

ORDER = ("Champions", "Loyal", "Potential", "New", "At risk", "Lost", "(not scored)")
SHOWN_COHORTS = 13
# Share of colour in the darkest cell, so that its figure can still be read.
DARKEST_PCT = 40

_SEGMENTS = (
    Column("rfm_segment", "Segment"),
    Column("customer_count", "Customers", "count"),
    Column("customer_share_pct", "Of all", "pct"),
    Column("net_amount", "Net", "amount"),
    Column("net_share_pct", "Of all net", "pct"),
    Column("order_count", "Orders", "count"),
    Column("avg_order_net_amount", "Average order", "amount"),
    Column("median_recency_days", "Median days since order", "count"),
    Column("scored_at", "Scored", "instant", is_detail=True),
)
_MOVES = (
    Column("full_date", "Scored", "date"),
    Column("previous_rfm_segment", "From"),
    Column("rfm_segment", "To"),
    Column("customer_count", "Customers", "count"),
    Column("share_pct", "Of the segment before", "pct"),
)
_COHORTS = (
    Column("cohort_month_start_date", "First order", "date"),
    Column("months_since", "Months since", "count"),
    Column("cohort_customer_count", "Customers at first", "count"),
    Column("customer_count", "Customers", "count"),
    Column("retention_pct", "Retention", "pct"),
    Column("order_count", "Orders", "count"),
    Column("net_amount", "Net", "amount"),
    Column("is_complete", "Month has ended"),
)
_BARS = (
    Bars("customers", Mark("Share of customers", BAR)),
    Bars("net", Mark("Share of net sales", SECOND), 0.34),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One month of a cohort: how many per cent came back, and how dark that is drawn in per cent."""

    retention_pct: Decimal
    heat: float
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Cohort:
    """A line of the heat map: the customers of one first month, month by month.

    Attributes:
        cells: One per month since; None beyond the newest month.
    """

    month: date
    customer_count: int
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Customers:
    """The newest scoring, the moves of the newest ones, and the cohorts.

    Attributes:
        segments: One row per segment, the best first.
        moves: One row per scoring and pair of segments, those who stayed included, the newest scoring first.
        cohorts: One row per cohort and month since.
    """

    segments: tuple[Row, ...]
    moves: tuple[Row, ...]
    cohorts: tuple[Row, ...]

    @property
    def scored_at(self) -> datetime | None:
        """Instant of the newest scoring; None before the first one."""
        newest: datetime | None = self.segments[0]["scored_at"] if self.segments else None
        return newest

    @property
    def moved(self) -> tuple[Row, ...]:
        """Moves of all scorings shown, without those who stayed."""
        return tuple(row for row in self.moves if row["is_move"])

    @property
    def newest_moves(self) -> dict[tuple[str, str], int]:
        """(from, to) -> customers of the newest scoring that was compared, those who stayed included."""
        newest = [row for row in self.moves if row["scored_at"] == self.moves[0]["scored_at"]]
        return {(row["previous_rfm_segment"], row["rfm_segment"]): row["customer_count"] for row in newest}

    @property
    def moved_segments(self) -> tuple[str, ...]:
        """Segments that stand in the newest moves, the best first."""
        named = {name for pair in self.newest_moves for name in pair}
        return tuple(name for name in ORDER if name in named)

    @property
    def heat_map(self) -> tuple[Cohort, ...]:
        """The newest cohorts, the newest last, each with a cell for every month of the oldest one shown."""
        months = sorted({row["cohort_month_start_date"] for row in self.cohorts})[-SHOWN_COHORTS:]
        return tuple(self._cohort(month, len(months)) for month in months)

    @property
    def segment_table(self) -> ReportTable:
        """Segments, the best first."""
        note = "By recency, frequency and money, in fifths of all customers with an order; net of all orders."
        return ReportTable("rfm-segments", "Segments", note, _SEGMENTS, self.segments)

    @property
    def move_table(self) -> ReportTable:
        """Moves by week."""
        note = "Customers who changed their segment from one scoring to the next, the newest twelve scorings."
        return ReportTable("segment-moves", "Moves by week", note, _MOVES, self.moved)

    @property
    def cohort_table(self) -> ReportTable:
        """Cohorts in long form."""
        note = "One row per month of the first order and month since."
        return ReportTable("customer-cohorts", "Cohorts", note, _COHORTS, self.cohorts)

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """Tables with a file of their own."""
        return (self.segment_table, self.move_table, self.cohort_table)

    def charts(self) -> dict[str, Chart]:
        """Share of each segment in customers, and in net sales."""
        if not self.segments:
            return {}
        parts = [
            f"{row['rfm_segment']} {row['customer_share_pct']} % of customers,"
            f" {row['net_share_pct']} % of net"
            for row in self.segments
        ]
        values = [
            {
                "segment": row["rfm_segment"],
                "customers": float(row["customer_share_pct"]),
                "net": float(row["net_share_pct"] or 0),
            }
            for row in self.segments
        ]
        return {
            "rfm": Chart(
                "rfm",
                "Segments by share",
                f"{'; '.join(parts)}. The table below holds every value.",
                tuple(b.mark for b in _BARS),
                lambda width: nested_bars("segment", values, _BARS, width, PER_CENT),
            )
        }

    def _cohort(self, month: date, width: int) -> Cohort:
        rows = [row for row in self.cohorts if row["cohort_month_start_date"] == month]
        cells = [_cell(row) for row in rows]
        return Cohort(month, rows[0]["cohort_customer_count"], (*cells, *[None] * (width - len(cells))))


def read_customers(reader: Reader) -> Customers:
    """Read segments, moves and cohorts."""
    return Customers(
        reader.rows("rfm_segments", order=list(ORDER)),
        reader.rows("segment_moves", order=list(ORDER)),
        reader.rows("customer_cohorts"),
    )


def _cell(row: Row) -> Cell:
    retention = row["retention_pct"]
    return Cell(retention, round(float(retention) * DARKEST_PCT / 100, 1), row["is_complete"])
