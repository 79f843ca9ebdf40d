"""Catalog files as text: written in the form of those made by hand, and changed where they stand.

A change touches nothing but its own place, so that comments and order stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

_INDENT = "  "


def written(content: Mapping[str, Any], comment: str = "") -> str:
    """A file: a field a line; below the fields that hold entries, an entry a line."""
    lines = [f"# {comment}"] if comment else []
    for field, value in content.items():
        if isinstance(value, dict) and any(isinstance(entry, dict) for entry in value.values()):
            lines.append(f"{field}:")
            lines += [f"{_INDENT}{entry_line(name, entry)}" for name, entry in value.items()]
        elif isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
            lines.append(f"{field}:")
            for entry in value:
                fields = [_field_line(name, part) for name, part in entry.items()]
                lines += [f"{_INDENT}- {fields[0]}", *(f"{_INDENT * 2}{line}" for line in fields[1:])]
        else:
            lines.append(_field_line(field, value))
    return "\n".join(lines) + "\n"


def _field_line(name: str, value: Any) -> str:
    """As :func:`entry_line`, on a line that is within no brackets, where fewer texts need quotes."""
    if not isinstance(value, str):
        return entry_line(name, value)
    plain = yaml.dump(value, Dumper=_Dumper, allow_unicode=True, width=float("inf")).removesuffix("...\n")
    return f"{_inline(name)}: {plain.rstrip(chr(10))}"


def entry_line(name: str, value: Any) -> str:
    """``name: value`` on one line, whatever stands in it."""
    return f"{_inline(name)}: {_inline(value)}"


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a text, to be replaced."""

    start: int
    end: int
    text: str


class YamlText:
    """The text of a file whose fields are to be changed where they stand."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._root = yaml.compose(text, Loader=yaml.SafeLoader)
        self._places: list[Place] = []

    def add_entries(self, field: str, entries: Mapping[str, Any]) -> None:
        """Add entries at the end of the mapping under a field."""
        node = self._node(field)
        if not isinstance(node, yaml.MappingNode) or not node.value:
            raise LookupError(field)
        last = self._end(node.value[-1][1])
        if node.flow_style:
            added = "".join(f", {entry_line(name, value)}" for name, value in entries.items())
            self._places.append(Place(last, last, added))
            return
        indent = " " * node.value[-1][0].start_mark.column
        line_end = self._text.find("\n", last)
        line_end = len(self._text) if line_end < 0 else line_end
        added = "".join(f"\n{indent}{entry_line(name, value)}" for name, value in entries.items())
        self._places.append(Place(line_end, line_end, added))

    def set_value(self, value: Any, *path: str) -> None:
        """Replace the plain value at a path of fields."""
        node = self._node(*path)
        if not isinstance(node, yaml.ScalarNode):
            raise LookupError(".".join(path))
        self._places.append(Place(node.start_mark.index, node.end_mark.index, _inline(value)))

    def __str__(self) -> str:
        text = self._text
        for place in sorted(self._places, key=lambda p: p.start, reverse=True):
            text = text[: place.start] + place.text + text[place.end :]
        return text

    def _node(self, *path: str) -> yaml.Node | None:
        node = self._root
        for part in path:
            pairs = node.value if isinstance(node, yaml.MappingNode) else []
            node = next((value for key, value in pairs if key.value == part), None)
        return node

    def _end(self, node: yaml.Node) -> int:
        """Where the last thing in a node ends; to the parser, a block ends where the next thing begins."""
        if isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
            last = node.value[-1]
            return self._end(last[1] if isinstance(last, tuple) else last)
        return len(self._text[: node.end_mark.index].rstrip())


class _Dumper(yaml.SafeDumper):
    """Writes each value where it stands, and any text on one line."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, data: str) -> yaml.Node:
        # Line breaks of every kind are escaped only within double quotes.
        style = None if data.isprintable() else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", data, style)


_Dumper.add_representer(str, _Dumper.represent_text)


def _inline(value: Any) -> str:
    """A value on one line, quoted as within brackets, so that it may stand there, too."""
    text: str = yaml.dump(
        [value],
        Dumper=_Dumper,
        default_flow_style=True,
        allow_unicode=True,
        width=float("inf"),
        sort_keys=False,
    )
    return text.rstrip("\n")[1:-1]
