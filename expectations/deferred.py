"""Modules that are imported when something of them is first asked for."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


def defer(*names: str) -> None:
    """Let an import of these modules cost nothing until they are used; those already imported stay."""
    for name in names:
        sys.modules.setdefault(name, _Deferred(name))


class _Deferred(ModuleType):
    """Stands for a module until it is used, and hands on what it has from then on."""

    def __getattr__(self, name: str) -> Any:
        # What debuggers and the like ask of every module is no use of this one.
        if name.startswith("__") and name not in ("__path__", "__version__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)
