"""Functions for the step ``call``; see :mod:`etl.transforms.registry` for what they must keep to."""

from __future__ import annotations

from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from etl.transforms.registry import Outputs, registered

_GTIN_DIGITS = 14
_URL = r"^(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?://(?:[^/?#@]*@)?(?P<host>[^/?#:]*)(?::[0-9]*)?)?(?P<path>[^?#]*)"


@registered(inputs={"gtin": "text"}, outputs={"is_valid": "boolean"})
def gtin_is_valid(gtin: pa.Array) -> Outputs:
    """Whether an article number (GTIN, EAN, UPC) has 8, 12, 13 or 14 digits and the right check digit.

    Source: GS1 General Specifications, 7.9.1: digits weigh 3 and 1 in turn from the right, their sum is a
    multiple of 10. NULL gives NULL.
    """
    has_form = pc.match_substring_regex(gtin, "^(?:[0-9]{8}|[0-9]{12,14})$")
    padded = pc.utf8_lpad(pc.if_else(has_form, gtin, "0"), _GTIN_DIGITS, "0")
    digits = [pc.utf8_slice_codeunits(padded, n, n + 1).cast(pa.int32()) for n in range(_GTIN_DIGITS)]
    weighed = [pc.multiply(digit, 1 if n % 2 else 3) for n, digit in enumerate(digits)]
    tens = pc.multiply(pc.divide(reduce(pc.add, weighed), 10), 10)
    return {"is_valid": pc.and_(has_form, pc.equal(reduce(pc.add, weighed), tens))}


@registered(inputs={"url": "text"}, outputs={"host": "text", "path": "text"})
def url_parts(url: pa.Array) -> Outputs:
    """Host in lower case, and path without query and fragment; NULL where the address has none.

    Source: RFC 3986, appendix B; an address in brackets (IPv6) is not read.
    """
    found = pc.extract_regex(url, _URL)
    parts = {name: pc.struct_field(found, name) for name in ("host", "path")}
    empty = pa.scalar(None, pa.string())
    given = {name: pc.if_else(pc.equal(part, ""), empty, part) for name, part in parts.items()}
    return {"host": pc.utf8_lower(given["host"]), "path": given["path"]}
