"""The kinds of defect that one run is seeded with: where, how many, and how each must be found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from demo.defects import Kind
from demo.drop.counts import TABLES, Form
from tests.flows.spoilt_world import Row, Spoilt


@dataclass(frozen=True)
class Found:
    """How the rows of a kind are found.

    Attributes:
        how: ``quarantined`` by these rules, ``rejected`` in preparation for a column and a reason,
            ``recorded`` by a warning, ``dropped`` as a duplicate, a ``file`` in quarantine for a reason, an
            ``order`` that follows its line, ``lines`` that were read twice.
        names: Rules, or column and reason; a reason may be a part of what is told.
    """

    how: Literal["quarantined", "rejected", "recorded", "dropped", "file", "order", "lines"]
    names: tuple[str, ...] = ()


def quarantined(*rules: str) -> Found:
    return Found("quarantined", tuple(sorted(rules)))


def rejected(column: str, reason: str) -> Found:
    return Found("rejected", (column, reason))


def recorded(*rules: str) -> Found:
    return Found("recorded", rules)


def broken_file(reason: str) -> Found:
    return Found("file", (reason,))


DROPPED = Found("dropped")
ORDER_FOLLOWS = Found("order", ("order_total_adds_up",))
LINE_READ_TWICE = Found("lines")


@dataclass(frozen=True)
class Defect:
    """A kind of defect.

    Attributes:
        change: Values in which each of its rows differs from a sound one.
        copy: The row stands there twice, the second time with these values.
        form: Form of the file that holds the rows.
        spoilt: What is wrong with the file.
        known_by: Column that tells rejected rows apart, where it is not the key.
    """

    kind: str
    table: str
    rows: int
    change: Row
    found: tuple[Found, ...]
    copy: Row | None = None
    form: Form | None = None
    spoilt: Spoilt | None = None
    known_by: str | None = None


def _rows_of(table: str) -> Callable[..., Defect]:
    def defect(
        kind: str, rows: int, change: Row, *found: Found, copy: Row | None = None, known_by: str = ""
    ) -> Defect:
        return Defect(kind, table, rows, change, found, copy=copy, known_by=known_by or None)

    return defect


def _counts_in(form: Form) -> Callable[..., Defect]:
    def defect(
        kind: str,
        rows: int,
        change: Row,
        *found: Found,
        spoils: Kind | None = None,
        text: tuple[bytes, bytes] | None = None,
        has_formula_error: bool = False,
    ) -> Defect:
        spoilt = Spoilt(rows, change, spoils, text, has_formula_error)
        return Defect(kind, TABLES[form], rows, change, found, form=form, spoilt=spoilt)

    return defect


in_customer = _rows_of("shop.customers")
in_product = _rows_of("shop.products")
in_price = _rows_of("shop.product_prices")
in_store = _rows_of("shop.stores")
in_order = _rows_of("shop.orders")
in_line = _rows_of("shop.order_items")
in_session = _rows_of("analytics.sessions")
in_page = _rows_of("analytics.page_views")
in_purchase = _rows_of("analytics.conversions")
in_csv, in_packed_csv = _counts_in("csv"), _counts_in("csv.gz")
in_workbook, in_json, in_xml = _counts_in("xlsx"), _counts_in("json"), _counts_in("xml")

KINDS: tuple[Defect, ...] = (
    in_customer("e-mail address without a domain", 3, {"email": "ana@"}, recorded("email_is_valid")),
    in_customer("phone that is no number", 2, {"phone": "call me"}, recorded("phone_is_understood")),
    in_customer("country by its name", 2, {"country": "Portugal"}, recorded("country_is_a_code")),
    in_customer("unknown gender", 2, {"gender": "Q"}, recorded("gender_is_known")),
    in_customer(
        "unknown segment", 3, {"customer_segment": "Platinum"}, recorded("customer_segment_is_known")
    ),
    in_customer("born before 1900", 1, {"birth_date": "1875-05-05"}, recorded("birth_date_is_plausible")),
    in_customer(
        "born after registering", 2, {"birth_date": "2021-05-05"}, recorded("born_before_registered")
    ),
    in_customer(
        "changed before registering",
        1,
        {"registration_date": "2027-01-01"},
        recorded("registered_before_changed"),
    ),
    in_customer(
        "infinite date", 1, {"registration_date": "infinity"}, rejected("registration_date", "is not a date")
    ),
    in_product("missing name", 2, {"product_name": None}, rejected("product_name", "is NULL")),
    in_product("blank name", 1, {"product_name": " \t "}, quarantined("product_name_is_not_blank")),
    in_product(
        "over-long name", 1, {"product_name": "Lamp " * 200}, quarantined("product_name_is_not_blank")
    ),
    in_product(
        "number that overflows",
        2,
        {"weight": "123456789"},
        rejected("weight_kg", "does not fit decimal(8,3)"),
    ),
    in_product(
        "number with too many digits", 1, {"weight": "1.23456"}, rejected("weight_kg", "without rounding")
    ),
    in_product("not a number (NaN)", 1, {"weight": "NaN"}, rejected("weight_kg", "is not a decimal number")),
    in_product("weight in grams", 2, {"weight": 5000}, recorded("weight_is_plausible")),
    in_product("stock number given twice", 2, {"sku": "TWICE"}, recorded("sku_is_unique")),
    in_product("unknown category", 1, {"category": "Nowhere"}, recorded("category_is_known")),
    in_product("unknown brand", 1, {"brand": "Nobody"}, recorded("brand_is_known")),
    in_price(
        "negative price",
        1,
        {"list_price": -1},
        quarantined("list_price_is_not_negative"),
        recorded("price_covers_cost"),
    ),
    in_price("price out of range", 2, {"list_price": 200_000}, recorded("list_price_is_plausible")),
    in_price("price below cost", 3, {"list_price": 4}, recorded("price_covers_cost")),
    in_price("price of an unknown product", 1, {"product_id": 9_300_001}, recorded("product_is_known")),
    in_price(
        "price from before the shop", 1, {"valid_from": "1970-01-01"}, quarantined("valid_from_is_plausible")
    ),
    in_price("infinite instant", 1, {"valid_from": "-infinity"}, rejected("valid_from", "is not an instant")),
    in_price(
        "price twice, and not the same", 1, {}, quarantined("duplicates_conflict"), copy={"list_price": 8}
    ),
    in_store("store without a name", 1, {"store_name": ""}, recorded("store_name_is_not_blank")),
    in_store("store without a region", 1, {"region": None}, recorded("region_is_given")),
    in_store("store of ten square feet", 1, {"store_size_sqft": 10}, recorded("store_size_is_plausible")),
    in_order("missing key", 2, {"order_id": None}, rejected("order_id", "is NULL"), known_by="customer_id"),
    in_order("missing required value", 3, {"order_date": None}, rejected("ordered_at", "is NULL")),
    in_order("unknown status", 3, {"status": "lost"}, quarantined("order_status_is_known")),
    in_order("impossible date", 2, {"order_date": "1969-07-20"}, quarantined("ordered_at_is_plausible")),
    in_order(
        "date in the far future",
        2,
        {"order_date": "2150-01-01"},
        quarantined("ordered_at_is_plausible"),
        recorded("changed_after_ordered"),
    ),
    in_order(
        "changed before it was placed", 2, {"order_date": "2026-02-24"}, recorded("changed_after_ordered")
    ),
    in_order("total that does not add up", 4, {"total_amount": 24.99}, quarantined("order_total_adds_up")),
    in_order(
        "total that overflows",
        1,
        {"total_amount": "12345678901234"},
        rejected("total_amount", "does not fit decimal(12,2)"),
    ),
    in_order(
        "float with too many digits",
        2,
        {"shipping_cost": 4.999},
        rejected("shipping_amount", "without rounding"),
    ),
    in_order(
        "infinite float",
        1,
        {"shipping_cost": float("inf")},
        rejected("shipping_amount", "is not a decimal number"),
    ),
    in_order("negative total", 1, {"discount_amount": 100}, recorded("total_is_not_negative")),
    in_order("negative tax", 2, {"tax_amount": -1}, recorded("tax_is_not_negative")),
    in_order("freight of a ship", 1, {"shipping_cost": 20_000}, recorded("shipping_is_plausible")),
    in_order("unknown customer", 3, {"customer_id": 9_400_001}, recorded("customer_is_known")),
    in_order("unknown store", 2, {"store_id": 9_400_002}, recorded("store_is_known")),
    in_order("order without lines", 2, {"has_lines": False}, recorded("order_has_lines")),
    in_order("order twice, the same", 2, {}, DROPPED, LINE_READ_TWICE, copy={}),
    in_order(
        "order twice, and not the same",
        2,
        {},
        quarantined("duplicates_conflict"),
        LINE_READ_TWICE,
        copy={"tax_amount": 7},
    ),
    in_line("negative quantity", 3, {"quantity": -1}, quarantined("quantity_is_positive")),
    in_line(
        "negative unit price",
        2,
        {"unit_price": -5},
        quarantined("unit_price_is_not_negative"),
        recorded("discount_is_within_the_line"),
    ),
    in_line("unit price of zero", 3, {"unit_price": 0}, recorded("unit_price_is_not_zero")),
    in_line("quantity out of range", 1, {"quantity": 5000}, recorded("quantity_is_plausible")),
    in_line(
        "discount of more than the line", 2, {"discount_amount": 30}, recorded("discount_is_within_the_line")
    ),
    in_line("line without a product", 1, {"product_id": None}, recorded("product_is_given")),
    in_line("line of an unknown product", 2, {"product_id": 9_500_001}, recorded("product_is_known")),
    in_line(
        "line without a number", 2, {"line_number": None}, rejected("line_number", "is NULL"), ORDER_FOLLOWS
    ),
    in_line("line twice, the same", 3, {}, DROPPED, copy={"order_item_id": -1}),
    in_line(
        "line twice, and not the same",
        2,
        {},
        quarantined("duplicates_conflict"),
        ORDER_FOLLOWS,
        copy={"quantity": 3},
    ),
    in_session(
        "visit that ends before it starts",
        3,
        {"ended_at": "2026-02-24T09:00:00Z"},
        quarantined("ended_after_started"),
    ),
    in_session("visit without a beginning", 2, {"started_at": None}, rejected("started_at", "is NULL")),
    in_session(
        "visit of 1980",
        1,
        {"started_at": "1980-01-01T00:00:00Z", "ended_at": None},
        quarantined("started_at_is_plausible"),
    ),
    in_session("visit of days", 2, {"ended_at": "2026-02-26T10:00:00Z"}, recorded("duration_is_plausible")),
    in_session(
        "unknown device", 1, {"device": {"type": "fridge", "browser": None}}, recorded("device_type_is_known")
    ),
    in_session("visit of an unknown customer", 2, {"customer_id": 9_600_001}, recorded("customer_is_known")),
    in_page(
        "page viewed outside its visit",
        3,
        {"viewed_at": "2026-02-24T11:00:00Z"},
        recorded("viewed_within_its_session"),
    ),
    in_page("unknown kind of page", 2, {"page_type": "popup"}, quarantined("page_type_is_known")),
    in_page(
        "product page without a product", 2, {"product_id": None}, recorded("product_page_has_a_product")
    ),
    in_page("page of an unknown product", 1, {"product_id": 9_600_002}, recorded("product_is_known")),
    in_page(
        "page looked at for days", 2, {"seconds_on_page": 200_000}, recorded("seconds_on_page_is_plausible")
    ),
    in_page("character NUL in a text", 1, {"url": "/a\x00b"}, rejected("url", "holds the character NUL")),
    in_page(
        "text where a number is due",
        2,
        {"seconds_on_page": "many"},
        rejected("seconds_on_page", "is not a whole number"),
    ),
    in_page("page without a time", 1, {"viewed_at": None}, rejected("viewed_at", "is NULL")),
    in_purchase("currency that nobody quotes", 3, {"currency": "XXQ"}, quarantined("currency_is_unknown")),
    in_purchase(
        "day without an exchange rate",
        2,
        {"converted_at": "2001-01-01T00:00:00Z", "currency": "GBP"},
        quarantined("rate_is_missing"),
    ),
    in_purchase("negative revenue", 2, {"revenue": "-3.00"}, quarantined("revenue_is_not_negative")),
    in_purchase("purchase without a visit", 2, {"session_id": None}, rejected("session_id", "is NULL")),
    in_purchase("purchase of an unknown visit", 3, {"session_id": "gone"}, recorded("session_is_known")),
    in_purchase("purchase without an order", 2, {"order_id": None}, recorded("order_is_given")),
    in_purchase(
        "revenue in thousandths", 1, {"revenue": "1.005"}, rejected("revenue_amount", "without rounding")
    ),
    in_csv(
        "row with more fields than its header",
        2,
        {"on_hand_quantity": 5},
        rejected("", "fields, where 7 are expected"),
        spoils="ragged_row",
    ),
    in_csv(
        "letter in a number",
        3,
        {},
        rejected("on_hand_quantity", "is not a whole number"),
        spoils="bad_number",
    ),
    in_csv(
        "day that no calendar has",
        1,
        {},
        rejected("counted_at", "is not"),
        text=(b"\n1,1,2025-12-", b"\n1,1,2025-13-"),
    ),
    in_csv(
        "bytes that are no text",
        1,
        {"reserved_quantity": 777},
        rejected("", "holds bytes that are no text"),
        text=(b"777", b"7\xff7"),
    ),
    in_csv(
        "negative stock",
        2,
        {"on_hand_quantity": -4},
        quarantined("on_hand_is_not_negative"),
        recorded("reserved_is_within_on_hand"),
    ),
    in_csv("stock of an unknown product", 1, {"product_id": 9_700_001}, recorded("product_is_known")),
    in_xml("stock in an unknown store", 1, {"store_id": 9_700_002}, recorded("store_is_known")),
    in_json(
        "more promised than there is", 2, {"reserved_quantity": 21}, recorded("reserved_is_within_on_hand")
    ),
    in_workbook("stock beyond any shelf", 1, {"on_hand_quantity": 500_000}, recorded("on_hand_is_plausible")),
    in_json(
        "reorder point below zero",
        2,
        {"reorder_point_quantity": -1},
        recorded("reorder_point_is_not_negative"),
    ),
    in_workbook("formula that comes to an error", 1, {}, rejected("", "#DIV/0!"), has_formula_error=True),
    in_csv("file without a header", 0, {}, broken_file("header"), spoils="headless_file"),
    in_packed_csv("file cut short", 0, {}, broken_file(""), spoils="truncated_file"),
    in_json("JSON of another shape", 0, {}, broken_file("counts"), text=(b'"counts"', b'"kounts"')),
    in_xml("broken XML", 0, {}, broken_file("broken XML"), text=(b"</inventory>", b"</inventary>")),
)
