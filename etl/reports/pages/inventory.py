"""Stock: how long it lasts, what is below its reorder point, store by store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from etl.reports.drawing import BAD, BAR, LINE, SECOND, Chart, Mark, stacked_bars
from etl.reports.reading import Reader
from etl.reports.tables import Column, ReportTable, Row

_STORES = (
    Column("store_name", "Store"),
    Column("product_count", "Products", "count"),
    Column("below_reorder_point_count", "Below reorder point", "count"),
    Column("empty_count", "Out of stock", "count"),
    Column("week_count", "Under 7 days", "count"),
    Column("month_count", "7 to 28 days", "count"),
    Column("longer_count", "Longer", "count"),
    Column("median_cover_days", "Median cover, days", "days"),
    Column("on_hand_quantity", "Units on hand", "count"),
    Column("available_quantity", "Units free", "count"),
    Column("stock_cost_amount", "Stock at cost", "amount"),
    Column("counted_at", "Newest count", "instant"),
    Column("region", "Region"),
    Column("store_id", "Number", is_detail=True),
)
_LOW = (
    Column("product_name", "Product"),
    Column("store_name", "Store"),
    Column("on_hand_quantity", "On hand", "count"),
    Column("reserved_quantity", "Reserved", "count"),
    Column("reorder_point_quantity", "Reorder point", "count"),
    Column("cover_days", "Days of cover", "days"),
    Column("sold_28_days_quantity", "Sold in 28 days", "count"),
    Column("category", "Category"),
    Column("counted_at", "Counted", "instant"),
    Column("behind_hours", "Hours behind", "count"),
    Column("product_id", "Product number", is_detail=True),
    Column("store_id", "Store number", is_detail=True),
)
_CLASSES = (
    ("empty_count", Mark("Out of stock", BAD)),
    ("week_count", Mark("Under 7 days", SECOND)),
    ("month_count", Mark("7 to 28 days", LINE)),
    ("longer_count", Mark("Longer, or nothing sold", BAR)),
)


@dataclass(frozen=True, slots=True)
class Inventory:
    """The newest count of each product in each store.

    Attributes:
        stores: One row per store, with how many products last how long.
        low: Products below their reorder point or with less than a week of cover, the most pressing first.
    """

    stores: tuple[Row, ...]
    low: tuple[Row, ...]

    @property
    def counted_at(self) -> datetime | None:
        """Hour of the newest count of all; None before the first one."""
        newest: datetime | None = max((row["counted_at"] for row in self.stores), default=None)
        return newest

    @property
    def below_count(self) -> int:
        """Products below their reorder point, counted once per store."""
        return sum(row["below_reorder_point_count"] for row in self.stores)

    @property
    def store_table(self) -> ReportTable:
        """Stores by name."""
        note = (
            "One row per store, from the newest count of each product. Days of cover: on hand, divided by"
            " what the store sold a day over 28 business dates; longer includes what was not sold at all."
        )
        return ReportTable("inventory-stores", "Stock by store", note, _STORES, self.stores)

    @property
    def low_table(self) -> ReportTable:
        """What is to be ordered."""
        note = "Products below their reorder point, then what lasts less than a week; the 200 most pressing."
        return ReportTable("inventory-low", "To be ordered", note, _LOW, self.low)

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """Tables with a file of their own."""
        return (self.low_table, self.store_table)

    def charts(self) -> dict[str, Chart]:
        """Products of each store by how long they last."""
        if not self.stores:
            return {}
        totals = [f"{sum(row[name] for row in self.stores)} {mark.label.lower()}" for name, mark in _CLASSES]
        description = (
            f"Products of {len(self.stores)} stores by days of cover: {', '.join(totals)}."
            " The table below holds every value."
        )
        return {
            "cover": Chart(
                "cover",
                "Days of cover by store",
                description,
                tuple(mark for _, mark in _CLASSES),
                lambda width: stacked_bars("store_name", self.stores, _CLASSES, width),
            )
        }


def read_inventory(reader: Reader) -> Inventory:
    """Read stores and what is low in them."""
    return Inventory(reader.rows("inventory_stores"), reader.rows("inventory_low"))
