"""YAML texts, parsed once: nodes that know their places, and the values that they stand for."""

from __future__ import annotations

from typing import Any

import yaml

# Comes with every usual build of the library, and is seven times as fast.
_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def compose(text: str) -> yaml.Node | None:
    """The one document of a text; None for an empty one.

    Raises:
        yaml.YAMLError: It is none; shows the place.
    """
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_FAST)
    except yaml.YAMLError:
        # The slow parser shows the line that it does not understand.
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    return node


def value_of(node: yaml.Node | None) -> Any:
    """What a document says: plain values only, as ``yaml.safe_load`` gives them.

    Raises:
        yaml.YAMLError: A tag or a value is of no plain kind.
    """
    return None if node is None else yaml.constructor.SafeConstructor().construct_document(node)
