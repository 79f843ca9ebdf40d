"""Conversion of a source's values to the types of the catalog: exact, or refused value by value.

Nothing is rounded, cut or silently made NULL. A value that does not convert becomes NULL *and* gets
a fault, so that its row can be rejected; a whole column whose type can never convert is a
:class:`ContractError`.

    declared        taken from (Arrow)
    bigint ...      integers, booleans, decimals and floats without fraction, text of digits
    decimal(p,s)    decimals, integers, decimal text; never floats (law F2)
    double          floats, integers up to 2^53, decimals, text
    boolean         booleans, 0 and 1, the texts 0/1/true/false/t/f/y/n/yes/no in any case
    text            text, and the exact text of numbers, booleans, dates and times; bytes that are UTF-8
    date            dates, instants at midnight, ISO text
    timestamp       instants (without zone: UTC), dates (midnight UTC), ISO text (without zone: UTC)
    time            times, durations and ISO text within one day
    json, uuid      text that PostgreSQL takes as such; a uuid also as 16 bytes
    bytes           bytes, text as UTF-8
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from etl.catalog_types import arrow_type
from etl.errors import ContractError

_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,6})?$"
_FLOAT_WORD = r"^(?i:nan|[+-]?inf(?:inity)?)$"
_ISO_DATE = r"^\d{4}-\d{2}-\d{2}$"
_ISO_TIME = r"^(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6}0*)?)?$"
_ISO_INSTANT = (
    r"^\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6}0*)?)?(?: ?(?:Z|[+-]\d{2}(?::?\d{2})?))?)?$"
)
_TRUE, _FALSE = ("1", "true", "t", "y", "yes"), ("0", "false", "f", "n", "no")
_NUL_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_DAY_MICROSECONDS = 86_400_000_000
_FIRST_INSTANT, _END_INSTANT = -62_135_596_800_000_000, 253_402_300_800_000_000
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896


@dataclass(frozen=True, slots=True)
class Converted:
    """Values of the declared type, and why some could not be converted.

    Attributes:
        values: NULL where the input was NULL or did not convert.
        faults: Text per row, NULL where all is well; None when no row has a fault.
    """

    values: pa.Array
    faults: pa.Array | None = None


def convert(values: pa.Array, column_type: str, where: str) -> Converted:
    """Convert one column to its declared type.

    Args:
        values: The column in the source's own Arrow type.
        column_type: Type of the catalog.
        where: Table and column, for messages.

    Raises:
        ContractError: No value of this Arrow type can become the declared type.
    """
    plain = _plain(values)
    target = arrow_type(column_type)
    kind = column_type.partition("(")[0]
    family = _family(plain.type)
    if family == "null":
        return Converted(pa.nulls(len(plain), target))
    rule = _RULES.get(("integer" if kind in ("bigint", "smallint") else kind, family))
    if rule is None:
        raise ContractError(
            f"{where}: the source delivers {plain.type}, which cannot become {column_type} exactly.",
            "Correct the type in the catalog, or select the column as text in a declared query.",
        )
    return rule(plain, target, column_type)


def _plain(values: pa.Array) -> pa.Array:
    """The same values without dictionary, view, large or extension types."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        return values.cast(pa.string())
    if _is_bytes(values.type) and not pa.types.is_binary(values.type):
        return values.cast(pa.binary())
    return values


def _is_bytes(kind: pa.DataType) -> bool:
    tests = (
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_binary_view,
        pa.types.is_fixed_size_binary,
    )
    return any(test(kind) for test in tests)


def _family(kind: pa.DataType) -> str:
    families: dict[str, Callable[[pa.DataType], bool]] = {
        "text": pa.types.is_string,
        "integer": pa.types.is_integer,
        "decimal": pa.types.is_decimal,
        "timestamp": pa.types.is_timestamp,
        "date": pa.types.is_date,
        "boolean": pa.types.is_boolean,
        "float": pa.types.is_floating,
        "time": pa.types.is_time,
        "duration": pa.types.is_duration,
        "bytes": pa.types.is_binary,
        "null": pa.types.is_null,
    }
    return next((name for name, test in families.items() if test(kind)), "other")


def _cast(values: pa.Array, target: pa.DataType, fault: str) -> Converted:
    """Cast; where the whole does not go, halve until the values to blame stand alone."""
    try:
        return Converted(values.cast(target))
    except pa.ArrowInvalid:
        if len(values) == 1:
            return Converted(pa.nulls(1, target), pa.array([fault]))
    middle = len(values) // 2
    halves = [_cast(part, target, fault) for part in (values[:middle], values[middle:])]
    faults = [h.faults if h.faults is not None else pa.nulls(len(h.values), pa.string()) for h in halves]
    return Converted(pa.concat_arrays([h.values for h in halves]), pa.concat_arrays(faults))


def _only(values: pa.Array, good: pa.Array, fault: str) -> Converted:
    """Keep what is good; the rest becomes NULL with the fault. NULL is neither."""
    if pc.all(good).as_py() is not False:
        return Converted(values)
    faults = pc.if_else(pc.fill_null(good, True), pa.scalar(None, pa.string()), pa.scalar(fault))
    return Converted(pc.if_else(good, values, pa.scalar(None, values.type)), faults)


def _then(first: Converted, second: Converted) -> Converted:
    """The values of the later step; of two faults of a row the earlier."""
    if first.faults is None or second.faults is None:
        return Converted(second.values, first.faults if second.faults is None else second.faults)
    return Converted(second.values, pc.coalesce(first.faults, second.faults))


def _where_known(values: pa.Array, mask: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_valid(values), mask, pa.scalar(None, pa.bool_()))


def _matching(values: pa.Array, pattern: str, fault: str) -> Converted:
    trimmed = pc.utf8_trim_whitespace(values)
    return _only(trimmed, pc.match_substring_regex(trimmed, pattern), fault)


def _fitting(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    return _cast(values, target, f"does not fit {declared}")


def _whole(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    return _cast(values, target, f"is not a whole number that fits {declared}")


def _whole_from_text(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    digits = _matching(values, r"^[+-]?\d+$", "is not a whole number")
    return _then(digits, _fitting(pc.replace_substring_regex(digits.values, r"^\+", ""), target, declared))


def _rescaled(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    return _cast(values, target, f"does not fit {declared} without rounding")


def _decimal_from_whole(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    return _fitting(values.cast(pa.decimal128(20, 0)), target, declared)


def _decimal_from_text(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    numbers = _matching(values, _NUMBER, "is not a decimal number")
    return _then(numbers, _rescaled(numbers.values, target, declared))


def _double_from_text(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    numbers = _matching(values, f"{_NUMBER}|{_FLOAT_WORD}", "is not a number")
    floats = _fitting(pc.replace_substring_regex(numbers.values, r"^\+", ""), target, declared)
    named = pc.match_substring_regex(numbers.values, _FLOAT_WORD)
    return _then(
        numbers,
        _then(
            floats,
            _only(floats.values, pc.or_(pc.is_finite(floats.values), named), f"does not fit {declared}"),
        ),
    )


def _boolean_from_whole(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    bits = _only(
        values, _where_known(values, pc.is_in(values, pa.array([0, 1], values.type))), "is neither 0 nor 1"
    )
    return Converted(bits.values.cast(target), bits.faults)


def _boolean_from_text(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    words = pc.utf8_lower(pc.utf8_trim_whitespace(values))
    true, false = (pc.is_in(words, pa.array(forms)) for forms in (_TRUE, _FALSE))
    return _only(_where_known(values, true), _where_known(values, pc.or_(true, false)), "is not a boolean")


def _text_of(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    return _cast(
        values, target, "is not UTF-8 text" if pa.types.is_binary(values.type) else "has no text form"
    )


def _text_from_decimal(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    return Converted(pa.array([None if v is None else format(v, "f") for v in values.to_pylist()], target))


def _day(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    days = _cast(values, target, "is not a calendar day")
    numbers = days.values.cast(pa.int32())
    within = pc.and_(pc.greater_equal(numbers, _FIRST_DAY), pc.less_equal(numbers, _LAST_DAY))
    return _then(days, _only(days.values, within, "is outside the years 1 to 9999"))


def _day_from_instant(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    instants = _instant(values, arrow_type("timestamp"), declared)
    days = instants.values.cast(pa.date32())
    midnight = pc.equal(days.cast(instants.values.type), instants.values)
    return _then(instants, _only(days, midnight, "has a time of day, but a date is declared"))


def _day_from_text(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    texts = _matching(values, _ISO_DATE, "is not a date of the form YYYY-MM-DD")
    return _then(texts, _day(texts.values, target, declared))


def _instant(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    instants = _cast(values, target, "is not a possible instant")
    numbers = instants.values.cast(pa.int64())
    within = pc.and_(pc.greater_equal(numbers, _FIRST_INSTANT), pc.less(numbers, _END_INSTANT))
    return _then(instants, _only(instants.values, within, "is outside the years 1 to 9999"))


def _instant_from_text(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    texts = _matching(values, _ISO_INSTANT, "is not an instant of the form YYYY-MM-DD HH:MM:SS.ffffff")
    whole = pc.replace_substring_regex(texts.values, r"^(.{10})$", r"\1 00:00")
    short = pc.replace_substring_regex(whole, r"(\.\d{6})0+", r"\1")
    zoned = pc.replace_substring_regex(short, r"^(.{16}(?::\d{2}(?:\.\d+)?)?)$", r"\1Z")
    return _then(texts, _instant(pc.replace_substring_regex(zoned, r" ([Z+-])", r"\1"), target, declared))


def _time(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    unit = pa.duration("us") if pa.types.is_duration(values.type) else target
    spans = _cast(values, unit, "is finer than a microsecond")
    numbers = spans.values.cast(pa.int64())
    within = pc.and_(pc.greater_equal(numbers, 0), pc.less(numbers, _DAY_MICROSECONDS))
    day = _only(numbers, within, "is not a time within one day")
    return _then(spans, Converted(day.values.cast(target), day.faults))


def _time_from_text(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    texts = _matching(values, _ISO_TIME, "is not a time within one day, of the form HH:MM:SS.ffffff")
    short = pc.replace_substring_regex(texts.values, r"(\.\d{6})0+", r"\1")
    instants = pc.binary_join_element_wise("1970-01-01", short, " ").cast(pa.timestamp("us"))
    return _then(texts, Converted(instants.cast(target)))


def _json(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    good = pa.array([None if v is None else _is_json(v) for v in values.to_pylist()], pa.bool_())
    return _only(values, good, "is not JSON that PostgreSQL can store")


def _uuid(values: pa.Array, target: pa.DataType, declared: str) -> Converted:
    texts = pa.array([None if v is None else _uuid_text(v) for v in values.to_pylist()], target)
    return _only(texts, _where_known(values, pc.is_valid(texts)), "is not a UUID")


def _is_json(text: str) -> bool:
    """What jsonb takes: no NaN, no NUL, no lone surrogate, numbers within numeric's range."""
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_json_number, parse_int=_json_number)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, ArithmeticError, RecursionError):
        return False
    return not _NUL_ESCAPE.search(text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _json_number(text: str) -> float:
    number = Decimal(text)
    digits = number.as_tuple()
    if not isinstance(digits.exponent, int) or digits.exponent < -16_383 or number.adjusted() > 131_071:
        raise ValueError(text)
    return 0.0


def _uuid_text(value: Any) -> str | None:
    try:
        return str(UUID(bytes=value) if isinstance(value, bytes) else UUID(value))
    except ValueError:
        return None


_RULES: dict[tuple[str, str], Callable[[pa.Array, pa.DataType, str], Converted]] = {
    ("integer", "integer"): _fitting,
    ("integer", "boolean"): _fitting,
    ("integer", "decimal"): _whole,
    ("integer", "float"): _whole,
    ("integer", "text"): _whole_from_text,
    ("decimal", "decimal"): _rescaled,
    ("decimal", "integer"): _decimal_from_whole,
    ("decimal", "text"): _decimal_from_text,
    ("double", "float"): _fitting,
    ("double", "integer"): _fitting,
    ("double", "decimal"): _fitting,
    ("double", "text"): _double_from_text,
    ("boolean", "boolean"): _fitting,
    ("boolean", "integer"): _boolean_from_whole,
    ("boolean", "text"): _boolean_from_text,
    **{
        ("text", f): _text_of
        for f in ("text", "integer", "boolean", "float", "date", "timestamp", "time", "bytes")
    },
    ("text", "decimal"): _text_from_decimal,
    ("date", "date"): _day,
    ("date", "timestamp"): _day_from_instant,
    ("date", "text"): _day_from_text,
    ("timestamp", "timestamp"): _instant,
    ("timestamp", "date"): _instant,
    ("timestamp", "text"): _instant_from_text,
    ("time", "time"): _time,
    ("time", "duration"): _time,
    ("time", "text"): _time_from_text,
    ("json", "text"): _json,
    ("bytes", "bytes"): _fitting,
    ("bytes", "text"): _fitting,
    ("uuid", "text"): _uuid,
    ("uuid", "bytes"): _uuid,
}
