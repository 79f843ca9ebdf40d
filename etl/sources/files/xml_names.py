"""Names of elements and attributes, with the declared prefixes of their namespaces."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

XSI = "http://www.w3.org/2001/XMLSchema-instance"


class XmlNames:
    """Translates between ``prefix:name`` of the catalog and ``{uri}name`` of the parser.

    Args:
        namespaces: Prefix -> URI; the empty prefix is that of elements without one.
    """

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self._uris = namespaces
        self._prefixes = {uri: prefix for prefix, uri in namespaces.items()}
        self._shown: dict[tuple[str, bool], str] = {}

    def qualified(self, name: str, is_attribute: bool = False) -> str:
        """The parser's name; an attribute without prefix is in no namespace."""
        prefix, _, local = name.rpartition(":")
        uri = self._uris.get(prefix, "") if prefix or not is_attribute else ""
        return f"{{{uri}}}{local}" if uri else local

    def element(self, tag: str, is_attribute: bool = False) -> str:
        """The catalog's name of an element or attribute."""
        key = (tag, is_attribute)
        if key not in self._shown:
            uri, _, local = tag.rpartition("}")
            prefix = self._prefixes.get(uri[1:])
            is_known = prefix is not None or (not uri and (is_attribute or "" not in self._uris))
            shown = f"{prefix}:{local}" if prefix else local
            self._shown[key] = shown if is_known else f"{uri or '{'}}}{local}"
        return self._shown[key]

    def fields(self, record: Element) -> set[str]:
        """What a record has: names of its children, of its attributes (``@name``), and ``.`` for text."""
        found = {self.element(child.tag) for child in record}
        found |= {
            f"@{self.element(name, True)}" for name in record.attrib if not name.startswith(f"{{{XSI}}}")
        }
        return found | {"."} if own_text(record).strip() else found


def own_text(element: Element) -> str:
    """Text of an element that is not within its children."""
    return "".join([element.text or "", *(child.tail or "" for child in element)])
