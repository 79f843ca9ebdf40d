"""Where a column's value lies in a record of XML."""

from __future__ import annotations

import json
from collections.abc import Callable
from xml.etree.ElementTree import Element

from etl.sources.files.rows import Value
from etl.sources.files.xml_names import XSI, XmlNames, own_text

_OUT = "../"
_NIL = f"{{{XSI}}}nil"

# The elements from the root to a record.
Way = list[Element]
Place = Callable[[Way], Value]


class SeveralValues(Exception):
    """A record has several values where a column holds one."""


def first_field(label: str) -> str:
    """What of the record itself a label begins with; empty for one that lies around it."""
    return "" if label.startswith(_OUT) else label.partition("/")[0]


def place_of(label: str, column_type: str, names: XmlNames) -> Place:
    """How the value of a label is taken from a record: see :class:`etl.catalog.files.Xml`."""
    if label == ".":
        return lambda way: own_text(way[-1])
    if label.startswith(_OUT):
        return _around(label.count(_OUT), names.qualified(label.rpartition("@")[2], True))
    *steps, last = label.split("/")
    if last.startswith("@"):
        attribute = names.qualified(last[1:], True)
        return _within([names.qualified(s) for s in steps], lambda e: e.get(attribute), label, column_type)
    return _within([names.qualified(s) for s in (*steps, last)], _text, label, column_type)


def _around(outwards: int, attribute: str) -> Place:
    def take(way: Way) -> Value:
        return way[-1 - outwards].get(attribute) if len(way) > outwards else None

    return take


def _within(steps: list[str], value: Callable[[Element], Value], label: str, column_type: str) -> Place:
    def take(way: Way) -> Value:
        found = [way[-1]]
        for step in steps:
            found = [child for element in found for child in element if child.tag == step]
        values = [value(element) for element in found]
        if column_type == "json":
            return json.dumps(values, ensure_ascii=False) if values else None
        if len(values) > 1:
            raise SeveralValues(f"has {len(values)} values at {label!r}, where a column holds one")
        return values[0] if values else None

    return take


def _text(element: Element) -> Value:
    if element.get(_NIL) in ("true", "1"):
        return None
    return "".join(element.itertext())
