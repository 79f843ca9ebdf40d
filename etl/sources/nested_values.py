"""What ``path`` of a catalog column reaches within a nested value, for files and APIs alike."""

from __future__ import annotations

from typing import Any


def item_of(value: Any, key: str) -> Any:
    """What an object has under a key, or a list at that number, from 0; None where there is no such thing."""
    if isinstance(value, dict):
        return value.get(key)
    if is_listed(value, key):
        return value[int(key)] if int(key) < len(value) else None
    return None


def is_listed(value: Any, key: str) -> bool:
    """Whether the key is asked of a list, and is one of its numbers."""
    return isinstance(value, list | tuple) and key.isdecimal()
