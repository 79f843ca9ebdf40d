"""Names of the catalog for names of any database: lower snake case, unique, and short enough (law P1).

The original stands beside it, in ``table`` or ``source_name``; so nothing needs to be turned back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from hashlib import sha256

MAX_NAME_LENGTH = 40
# PostgreSQL's 63 bytes, less what stands around both in the longest name: stg_<source>__<table>__keys.
_LONGEST_TABLE_AND_SOURCE = 51
MAX_SOURCE_LENGTH = 30
SOURCE_NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{MAX_SOURCE_LENGTH - 1}}}")
_HASH_DIGITS = 6
# Before a capital after a small letter or digit, and before the last of several: customerID, HTTPServer.
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def column_name(original: str, taken: Container[str]) -> str:
    """Name of a column; never one with an underscore in front, which the project keeps for itself."""
    return _unique(_plain(original), original, taken, MAX_NAME_LENGTH)


def table_name(original: str, schema: str | None, source: str, taken: Container[str]) -> str:
    """Name of a table of ``source``; with its schema in front where that is not the usual one."""
    whole = original if schema is None else f"{schema}_{original}"
    limit = min(MAX_NAME_LENGTH, _LONGEST_TABLE_AND_SOURCE - len(source))
    return _unique(_plain(whole), whole, taken, limit)


def _plain(original: str) -> str:
    """Letters, digits and single underscores, a letter first; empty where no letter or digit can be kept."""
    humps = _HUMPS.sub("_", original)
    letters = unicodedata.normalize("NFKD", humps.replace("ß", "ss")).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^a-z0-9]+", "_", letters.lower()).strip("_")
    return f"n{plain}" if plain[:1].isdigit() else plain


def _unique(plain: str, original: str, taken: Container[str], limit: int) -> str:
    """The plain name; with a hash of the original where it is too long, with a number where it is taken."""
    mark = sha256(original.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    if len(plain) > limit:
        plain = f"{plain[: limit - _HASH_DIGITS - 1].rstrip('_')}_{mark}"
    plain = plain or f"n{mark}"
    name, number = plain, 1
    while name in taken:
        number += 1
        name = f"{plain[: limit - len(str(number)) - 1].rstrip('_')}_{number}"
    return name
