"""Steps that read numbers, dates and names out of text: exact, or refused with the reason."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from etl.catalog import BinNumbers, Call, Column, MapValues, ParseNumber, StandardizeDate
from etl.errors import ConfigError
from etl.landed_columns import FAULT, FAULT_COLUMN
from etl.transforms.dates import standardize_date
from etl.transforms.derive import bin_numbers
from etl.transforms.numbers import parse_number
from etl.transforms.registry import call, registered, registered_functions
from etl.transforms.text import map_values

BERLIN = ZoneInfo("Europe/Berlin")


def frame(**columns: list[Any] | pa.Array) -> pd.DataFrame:
    return pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype)  # type: ignore[no-any-return]  # pyarrow is untyped


def values(frame: pd.DataFrame, name: str) -> list[Any]:
    return pa.Array.from_pandas(frame[name]).to_pylist()  # type: ignore[no-any-return]  # pyarrow is untyped


def outcomes(done: pd.DataFrame, name: str) -> list[Any]:
    """Per row the value, or the reason why it was refused as a sentence of its own."""
    faults = values(done, FAULT) if FAULT in done.columns else [None] * len(done)
    return [fault or value for fault, value in zip(faults, values(done, name), strict=True)]


def number(text: str | None, column_type: str = "decimal(12,2)", **options: Any) -> Any:
    step = ParseNumber(step="parse_number", column="text", into="number", **options)
    done = parse_number(frame(text=pa.array([text], pa.string())), step, {"number": Column(type=column_type)})
    return outcomes(done, "number")[0]


NO_NUMBER = "is not a number of the form 1,234.56"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,234.56", Decimal("1234.56")),
        ("1234.5", Decimal("1234.50")),
        ("$1,234.56", Decimal("1234.56")),
        ("-$5", Decimal(-5)),
        ("$-5", Decimal(-5)),
        ("€\u00a05", Decimal(5)),
        ("5 kg", Decimal(5)),
        ("(12.50)", Decimal("-12.50")),
        ("($12.50)", Decimal("-12.50")),
        ("12.50-", Decimal("-12.50")),
        ("\u221212.5", Decimal("-12.50")),
        ("+.5", Decimal("0.50")),
        ("1,234,567", Decimal(1234567)),
        (None, None),
        ("1,23", NO_NUMBER),
        ("12,34,567", NO_NUMBER),
        ("1.2.3", NO_NUMBER),
        ("(-5)", NO_NUMBER),
        ("(5", NO_NUMBER),
        ("--5", NO_NUMBER),
        ("5 pounds", NO_NUMBER),
        ("1e3", NO_NUMBER),
        ("٣", NO_NUMBER),
        ("", NO_NUMBER),
        ("NA", NO_NUMBER),
        ("1.005", "does not fit decimal(12,2) without rounding"),
        ("99,999,999,999", "does not fit decimal(12,2) without rounding"),
    ],
)
def test_parse_number(text: str | None, expected: Any) -> None:
    assert number(text, group=",", units=("kg",)) == expected


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("1.234,56 €", {"decimal": ",", "group": "."}, Decimal("1234.56")),
        ("1\u202f234,56", {"decimal": ",", "group": " "}, Decimal("1234.56")),
        ("1’234.5", {"group": "'"}, Decimal("1234.50")),
        ("1.234", {"decimal": ","}, "is not a number of the form 1234,56"),
        ("EUR 7", {"units": ("EUR",)}, Decimal(7)),
    ],
)
def test_parse_number_by_declared_signs(text: str, options: dict[str, Any], expected: Any) -> None:
    assert number(text, **options) == expected


def test_a_refused_number_blames_the_column_it_came_from() -> None:
    step = ParseNumber(step="parse_number", column="text", into="number")
    done = parse_number(frame(text=["x", "1"]), step, {"number": Column(type="integer")})
    assert values(done, FAULT_COLUMN) == ["text", None]
    assert values(done, "number") == [None, 1]


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9))
def test_every_amount_is_read_back_exactly(amount: Decimal) -> None:
    """Law F2."""
    english = f"{amount:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert number(english, group=",") == number(german, decimal=",", group=".") == amount
    assert number(f"({abs(amount):,.2f})", group=",") == -abs(amount)


def test_a_decimal_sign_is_no_group_sign() -> None:
    with pytest.raises(ValidationError, match="different signs"):
        ParseNumber(step="parse_number", column="a", into="b", group=".")


def moment(text: str | None, *formats: str, into: str = "date", **options: Any) -> Any:
    step = StandardizeDate(step="standardize_date", column="text", into="at", formats=formats, **options)
    done = standardize_date(frame(text=pa.array([text], pa.string())), step, {"at": Column(type=into)})
    return outcomes(done, "at")[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("03/04/2024", date(2024, 4, 3)),
        ("12/25/2024", date(2024, 12, 25)),
        (" 3/4/2024 ", date(2024, 4, 3)),
        ("2024-02-29", date(2024, 2, 29)),
        ("5 March 2024", date(2024, 3, 5)),
        ("5  mar  2024", date(2024, 3, 5)),
        ("31/02/2024", "has the form %d/%m/%Y, but is no possible date"),
        ("13/13/2024", "has the form %d/%m/%Y, but is no possible date"),
        ("2023-02-29", "has the form %Y-%m-%d, but is no possible date"),
        ("01/01/0000", "has the form %d/%m/%Y, but is no possible date"),
        ("yesterday", "has none of the forms %d/%m/%Y, %m/%d/%Y, %Y-%m-%d, %d %B %Y"),
        ("", "has none of the forms %d/%m/%Y, %m/%d/%Y, %Y-%m-%d, %d %B %Y"),
        (None, None),
    ],
)
def test_standardize_date_takes_the_first_form_that_gives_a_date(text: str | None, expected: Any) -> None:
    assert moment(text, "%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d", "%d %B %Y") == expected


def test_the_order_of_the_forms_decides_about_day_and_month() -> None:
    assert moment("03/04/2024", "%m/%d/%Y", "%d/%m/%Y") == date(2024, 3, 4)


@pytest.mark.parametrize(("text", "year"), [("49", 2049), ("50", 1950), ("99", 1999), ("00", 2000)])
def test_two_digit_years_lie_in_the_declared_century(text: str, year: int) -> None:
    assert moment(f"1.2.{text}", "%d.%m.%y", two_digit_years_from=1950) == date(year, 2, 1)


def test_digits_that_touch_are_two_each() -> None:
    assert moment("20240131", "%Y%m%d") == date(2024, 1, 31)
    assert moment("2024131", "%Y%m%d") == "has none of the forms %Y%m%d"


CLOCK = "is a time that comes twice or not at all in Europe/Berlin, where clocks change"


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("01.07.2024 12:00", {}, datetime(2024, 7, 1, 10, tzinfo=UTC)),
        ("27.10.2024 01:59", {}, datetime(2024, 10, 26, 23, 59, tzinfo=UTC)),
        ("27.10.2024 03:00", {}, datetime(2024, 10, 27, 2, tzinfo=UTC)),
        ("27.10.2024 02:30", {}, CLOCK),
        ("27.10.2024 02:30", {"repeated": "earlier"}, datetime(2024, 10, 27, 0, 30, tzinfo=UTC)),
        ("27.10.2024 02:30", {"repeated": "later"}, datetime(2024, 10, 27, 1, 30, tzinfo=UTC)),
        ("31.03.2024 02:30", {"repeated": "later"}, CLOCK),
        ("31.03.2024 02:30", {"skipped": "forward"}, datetime(2024, 3, 31, 1, 30, tzinfo=UTC)),
        ("01.01.0001 00:00", {}, "is outside the years 1 to 9999"),
        ("31.12.9999 23:59", {}, datetime(9999, 12, 31, 22, 59, tzinfo=UTC)),
        ("01.07.2024 24:00", {}, "has the form %d.%m.%Y %H:%M, but is no possible date"),
    ],
)
def test_times_belong_to_the_declared_zone(text: str, options: dict[str, Any], expected: Any) -> None:
    found = moment(text, "%d.%m.%Y %H:%M", into="timestamp", time_zone="Europe/Berlin", **options)
    assert found == expected


def test_an_offset_in_the_text_is_stronger_than_the_zone() -> None:
    forms = ("%Y-%m-%dT%H:%M:%S.%f%z", "%m/%d/%Y %I:%M %p")
    read = [
        moment(text, *forms, into="timestamp", time_zone="Europe/Berlin")
        for text in ("2024-03-31T02:30:15.5+02:00", "2024-07-01T00:00:00.123456Z", "7/1/2024 12:05 am")
    ]
    assert read == [
        datetime(2024, 3, 31, 0, 30, 15, 500_000, UTC),
        datetime(2024, 7, 1, 0, 0, 0, 123_456, UTC),
        datetime(2024, 6, 30, 22, 5, tzinfo=UTC),
    ]


ZONES = st.sampled_from(["Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Beirut", "UTC"])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), max_size=20), ZONES)
def test_instants_agree_with_zoneinfo(moments: list[datetime], zone: str) -> None:
    texts = [f"{m:%Y-%m-%d %H:%M:%S.%f}" for m in moments]
    step = StandardizeDate(
        step="standardize_date",
        column="text",
        into="at",
        formats=("%Y-%m-%d %H:%M:%S.%f",),
        time_zone=zone,
        repeated="earlier",
        skipped="forward",
    )
    done = standardize_date(frame(text=pa.array(texts, pa.string())), step, {"at": Column(type="timestamp")})
    assert outcomes(done, "at") == [m.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC) for m in moments]


@settings(deadline=None)
@given(st.lists(st.dates(date(1, 1, 1)) | st.none(), max_size=10))
def test_every_day_is_read_back(days: list[date | None]) -> None:
    texts = [None if d is None else f"{d.day}.{d.month:02}.{d.year:04}" for d in days]
    step = StandardizeDate(step="standardize_date", column="text", into="at", formats=("%d.%m.%Y",))
    done = standardize_date(frame(text=pa.array(texts, pa.string())), step, {"at": Column(type="date")})
    assert outcomes(done, "at") == days


def test_a_day_of_hours_costs_no_question_per_row() -> None:
    """A zone is asked per day, not per row: 200,000 rows of two years within a few seconds."""
    start = datetime.fromisoformat("2023-01-01")
    texts = [f"{start + timedelta(seconds=300 * n):%Y-%m-%d %H:%M:%S}" for n in range(200_000)]
    step = StandardizeDate(
        step="standardize_date",
        column="text",
        into="at",
        formats=("%Y-%m-%d %H:%M:%S",),
        time_zone="Europe/Berlin",
        repeated="earlier",
        skipped="forward",
    )
    began = time.process_time()
    standardize_date(frame(text=texts), step, {"at": Column(type="timestamp")})
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("%d/%m", "needs %Y or %y"),
        ("%Y-%m-%d %Y", "needs %Y or %y, once"),
        ("%Y-%j", "'%j' is not known"),
        ("%Y-%m-%d %I:%M", "%I, an hour of twelve, and %p go together"),
        ("%d.%m.%y", "two_digit_years_from"),
        ("%Y-%m-%d %H %H", "more than once"),
        ("%Y-%m-%d %", "'%' is not known"),
    ],
)
def test_forms_that_name_no_whole_date_are_refused(form: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        StandardizeDate(step="standardize_date", column="a", into="b", formats=(form,))


@pytest.mark.parametrize(
    ("unmatched", "expected"),
    [
        ("keep", ["female", "male", None, "x", None]),
        ("null", ["female", "male", None, None, None]),
        ("reject", ["female", "male", None, "is not among the declared values", None]),
    ],
)
def test_map_values(unmatched: Any, expected: list[Any]) -> None:
    mapping: dict[str, str | None] = {"f": "female", "m": "male", "N/A": None}
    texts = frame(g=["f", "m", "N/A", "x", None])
    done = map_values(texts, MapValues(step="map_values", column="g", values=mapping, unmatched=unmatched))
    assert outcomes(done, "g") == expected
    into = MapValues(step="map_values", column="g", values=mapping, into="h", unmatched=unmatched)
    assert outcomes(map_values(texts, into), "h") == expected


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.decimal128(10, 2), pa.int16()])
@pytest.mark.parametrize(
    ("closed", "expected"),
    [("left", ["low", "A", "A", "B", "high", None]), ("right", ["low", "low", "A", "A", "B", None])],
)
def test_bin_numbers(kind: pa.DataType, closed: Any, expected: list[str | None]) -> None:
    table = frame(n=pa.array([9, 10, 15, 20, 30, None], kind))
    step = BinNumbers(
        step="bin_numbers",
        column="n",
        into="bin",
        edges=(Decimal(10), Decimal(20), Decimal(30)),
        labels=("A", "B"),
        closed=closed,
        below="low",
        above="high",
    )
    assert values(bin_numbers(table, step), "bin") == expected


def test_bins_have_exact_edges_and_nothing_beyond_them_without_a_label() -> None:
    edges = (Decimal("0.1"), Decimal("0.3"))
    step = BinNumbers(step="bin_numbers", column="n", into="bin", edges=edges, labels=("x",))
    cents = pa.array(
        [Decimal("0.09"), Decimal("0.10"), Decimal("0.29"), Decimal("0.30")], pa.decimal128(5, 2)
    )
    assert values(bin_numbers(frame(n=cents), step), "bin") == [None, "x", "x", None]
    wide = pa.array([Decimal(0), Decimal(1)], pa.decimal128(38, 0))
    assert values(bin_numbers(frame(n=wide), step.model_copy(update={"above": "more"})), "bin") == [
        None,
        "more",
    ]
    assert values(bin_numbers(frame(n=[float("nan"), 0.2]), step), "bin") == [None, "x"]
    with pytest.raises(ConfigError, match="bin_numbers needs numbers"):
        bin_numbers(frame(n=["1"]), step)


@pytest.mark.parametrize(
    ("edges", "labels", "message"),
    [((1, 2), ("a", "b"), "1 bins, but there are 2"), ((2, 1), ("a",), "larger than the one before")],
)
def test_bins_that_cannot_be(edges: tuple[Any, ...], labels: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        BinNumbers(step="bin_numbers", column="n", into="bin", edges=edges, labels=labels)


def called(function: str, inputs: dict[str, str], into: dict[str, str], rows: pd.DataFrame) -> pd.DataFrame:
    return call(rows, Call(step="call", function=function, inputs=inputs, into=into))


def test_a_registered_function_is_called_with_whole_columns() -> None:
    numbers = ["4006381333931", "4006381333930", "96385074", "036000291452", "123", "abc", None]
    done = called("gtin_is_valid", {"gtin": "ean"}, {"is_valid": "ok"}, frame(ean=numbers))
    assert values(done, "ok") == [True, False, True, True, False, False, None]


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://Shop.Example:8443/a/b?x=1#y", "shop.example", "/a/b"),
        ("https://user:secret@shop.example", "shop.example", None),
        ("/product/3?ref=mail", None, "/product/3"),
        ("?x", None, None),
        (None, None, None),
    ],
)
def test_url_parts(url: str | None, host: str | None, path: str | None) -> None:
    into = {"host": "host", "path": "path"}
    done = called("url_parts", {"url": "url"}, into, frame(url=pa.array([url], pa.string())))
    assert (values(done, "host"), values(done, "path")) == ([host], [path])


@settings(deadline=None)
@given(st.lists(st.none() | st.text(max_size=15), max_size=8), st.integers(0, 8))
def test_registered_functions_know_no_batches(texts: list[str | None], cut: int) -> None:
    """Law X13: each row gets what it would get alone."""
    for function in registered_functions().values():
        if function.run.__module__ == __name__:
            continue
        for output in function.outputs:
            whole, *parts = [
                values(
                    called(function.name, dict.fromkeys(function.inputs, "t"), {output: "o"}, frame(t=piece)),
                    "o",
                )
                for piece in (pa.array(t, pa.string()) for t in (texts, texts[:cut], texts[cut:]))
            ]
            assert whole == parts[0] + parts[1]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (("gtin_is_vald", {"gtin": "t"}, {"is_valid": "o"}), "did you mean 'gtin_is_valid'"),
        (("gtin_is_valid", {"number": "t"}, {"is_valid": "o"}), "takes gtin and gives is_valid"),
        (("gtin_is_valid", {"gtin": "t"}, {"valid": "o"}), "takes gtin and gives is_valid"),
        (
            ("gtin_is_valid", {"gtin": "n"}, {"is_valid": "o"}),
            "needs gtin as text, but the column 'n' is int64",
        ),
    ],
)
def test_a_call_that_does_not_fit_is_explained(step: tuple[Any, Any, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        called(*step, frame(t=["1"], n=[1]))


def test_a_function_must_return_what_it_declared() -> None:
    @registered(inputs={"t": "text"}, outputs={"n": "integer"})
    def short_of_one(t: pa.Array) -> dict[str, pa.Array]:
        return {"n": pa.array([1] * (len(t) - 1), pa.int32())}

    with pytest.raises(ConfigError, match="returned 1 values of int32 as n; 2 values of int32 were declared"):
        called("short_of_one", {"t": "t"}, {"n": "n"}, frame(t=["a", "b"]))
    with pytest.raises(ConfigError, match="Two functions"):
        registered(inputs={}, outputs={})(short_of_one)
