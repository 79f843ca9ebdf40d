"""Word lists of the demo shop: people and places, brands and categories."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml


@lru_cache(maxsize=2)
def word_list(name: str) -> dict[str, Any]:
    """The word list ``<name>.yaml`` of this folder."""
    content: dict[str, Any] = yaml.safe_load((Path(__file__).parent / f"{name}.yaml").read_text("utf-8"))
    return content


def fill_digits(template: str, number: int) -> str:
    """``template`` with the digits of ``number`` in the places of its ``#``."""
    digits = iter(f"{number:09d}")
    return "".join(next(digits) if letter == "#" else letter for letter in template)


@lru_cache(maxsize=1024)
def plain_letters(text: str) -> str:
    """Lower-case ASCII letters and digits of a name, for addresses and codes."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(letter for letter in folded.lower() if letter.isalnum())
