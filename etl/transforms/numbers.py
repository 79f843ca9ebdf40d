"""Numbers out of text as people write them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from etl.catalog import Column, ParseNumber
from etl.transforms.frames import text_of, with_column, with_faults
from etl.transforms.types import Converted, convert

_BLANK = r"[ \x{A0}\x{2009}\x{202F}]"
_GROUP_SIGNS = {" ": _BLANK, "'": "['’]"}
_SIGN = "[+\\-\N{MINUS SIGN}]"


def parse_number(frame: pd.DataFrame, step: ParseNumber, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Write the number that the text means into ``into``, exactly (law F2); NULL stays NULL.

    Around the number there may be a sign before or behind it, brackets that mean a minus, a currency sign or
    one of the declared units. Groups are of three digits, or the text is refused: ``1,23`` is no number where
    the comma parts groups. A text that is no number, or none that fits the declared type, is refused.
    """
    texts = text_of(frame, step.column, step.step)
    plain = _plain(texts, step)
    number = convert(plain.values, columns[step.into].type, step.into)
    frame = with_column(frame, step.into, number.values)
    return with_faults(with_faults(frame, step.column, plain.faults), step.column, number.faults)


def _plain(texts: pa.Array, step: ParseNumber) -> Converted:
    """The same numbers with a point before the fraction and nothing else but a minus."""
    found = pc.extract_regex(pc.utf8_trim_whitespace(texts), _pattern(step))
    signs = [pc.struct_field(found, name) for name in ("before", "within", "behind")]
    opened, closed = (
        pc.equal(pc.struct_field(found, name), sign) for name, sign in (("open", "("), ("close", ")"))
    )
    is_signed = [pc.greater(pc.binary_length(sign), 0) for sign in (*signs, pc.struct_field(found, "open"))]
    count = pc.add(
        *(pc.add(*(flag.cast(pa.int8()) for flag in pair)) for pair in (is_signed[:2], is_signed[2:]))
    )
    good = pc.and_(pc.less_equal(count, 1), pc.equal(opened, closed))
    is_negative = pc.or_(opened, pc.match_substring_regex(pc.binary_join_element_wise(*signs, ""), "[^+]"))
    digits = pc.struct_field(found, "digits")
    if step.group:
        digits = pc.replace_substring_regex(digits, _group(step), "")
    digits = pc.replace_substring(digits, step.decimal, ".")
    numbers = pc.binary_join_element_wise(pc.if_else(is_negative, "-", ""), digits, "")
    values = pc.if_else(pc.fill_null(good, False), numbers, pa.scalar(None, pa.string()))
    is_wrong = pc.and_(pc.is_valid(texts), pc.is_null(values))
    if not pc.any(is_wrong).as_py():
        return Converted(values)
    return Converted(values, pc.if_else(is_wrong, pa.scalar(_reason(step)), pa.scalar(None, pa.string())))


def _pattern(step: ParseNumber) -> str:
    point, unit = re.escape(step.decimal), _unit(step)
    whole = rf"\d+|\d{{1,3}}(?:{_group(step)}\d{{3}})+" if step.group else r"\d+"
    number = rf"(?:{whole})(?:{point}\d*)?|{point}\d+"
    parts = [
        r"(?P<open>\(?)", f"(?P<before>{_SIGN}?)", unit, f"(?P<within>{_SIGN}?)", f"(?P<digits>{number})",
        unit, f"(?P<behind>{_SIGN}?)", r"(?P<close>\)?)",
    ]  # fmt: skip
    return f"^{f'{_BLANK}*'.join(parts)}$"


def _group(step: ParseNumber) -> str:
    group = step.group or ""
    return _GROUP_SIGNS.get(group, re.escape(group))


def _unit(step: ParseNumber) -> str:
    units = "|".join(re.escape(unit) for unit in sorted(step.units, key=len, reverse=True))
    return rf"(?:\p{{Sc}}|{units})?" if units else r"\p{Sc}?"


def _reason(step: ParseNumber) -> str:
    group = step.group or ""
    return f"is not a number of the form 1{group}234{step.decimal}56"
