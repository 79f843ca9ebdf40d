"""Products by revenue, in the month of the newest business date."""

from __future__ import annotations

from dataclasses import dataclass

from etl.reports.drawing import BAR, SECOND, Bars, Chart, Mark, nested_bars, number
from etl.reports.reading import Reader
from etl.reports.tables import Column, ReportTable, Row, shown

DRAWN_PRODUCTS = 12

_PRODUCTS = (
    Column("product_name", "Product"),
    Column("revenue_rank", "Rank", "count"),
    Column("previous_revenue_rank", "Month before", "count"),
    Column("net_amount", "Net", "amount"),
    Column("share_pct", "Share", "pct"),
    Column("quantity", "Units", "count"),
    Column("order_count", "Orders", "count"),
    Column("profit_amount", "Profit", "amount"),
    Column("margin_pct", "Margin", "pct"),
    Column("category", "Category"),
    Column("category_revenue_rank", "Rank in category", "count"),
    Column("brand", "Brand"),
    Column("product_id", "Number", is_detail=True),
    Column("month_start_date", "Month", "date", is_detail=True),
)
_BARS = (Bars("net", Mark("Net", BAR)), Bars("profit", Mark("Profit", SECOND), 0.34))


@dataclass(frozen=True, slots=True)
class Products:
    """The best products of the newest month, the best first."""

    products: tuple[Row, ...]

    @property
    def month(self) -> str:
        """Name of the month that is shown."""
        return f"{self.products[0]['month_start_date']:%B %Y}" if self.products else ""

    @property
    def table(self) -> ReportTable:
        """Products by rank."""
        note = "One row per product, the fifty with the highest net amount; equal amounts share a rank."
        return ReportTable("product-performance", "Products of the month", note, _PRODUCTS, self.products)

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """Tables with a file of their own."""
        return (self.table,)

    def charts(self) -> dict[str, Chart]:
        """Net amount of the best products as a bar, their profit within."""
        best = self.products[:DRAWN_PRODUCTS]
        if not best:
            return {}
        values = [
            {
                "product": row["product_name"] or f"Product {row['product_id']}",
                "net": float(row["net_amount"]),
                "profit": number(row["profit_amount"]),
            }
            for row in best
        ]
        description = (
            f"Net amount of the {len(best)} best products in {self.month}, led by {values[0]['product']}"
            f" with {shown(best[0]['net_amount'], 'amount')}. The table below holds every value."
        )
        return {
            "products": Chart(
                "products",
                "Best products",
                description,
                tuple(b.mark for b in _BARS),
                lambda width: nested_bars("product", values, _BARS, width),
            )
        }


def read_products(reader: Reader) -> Products:
    """Read the best products of the newest month."""
    return Products(reader.rows("product_ranks"))
