"""Where the files of a catalog stand, and how they are written: each whole or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from etl.errors import StorehouseError


@dataclass(frozen=True, slots=True)
class CatalogFolder:
    """The folders with the catalog and with the suites."""

    catalog_dir: Path
    suites_dir: Path

    def source(self, name: str) -> Path:
        """File of a source system."""
        return self.catalog_dir / "sources" / f"{name}.yaml"

    def table(self, source: str, name: str) -> Path:
        """File of a table."""
        return self.catalog_dir / "tables" / source / f"{name}.yaml"

    def dimension(self, name: str) -> Path:
        """File of a dimension."""
        return self.catalog_dir / "dimensions" / f"{name}.yaml"

    def suite(self, source: str, name: str) -> Path:
        """File of the suite of a table."""
        return self.suites_dir / f"{source}.{name}.yaml"


def write_files(texts: Mapping[Path, str]) -> tuple[Path, ...]:
    """Write files that are new or say something else; returns these.

    Raises:
        StorehouseError: A file cannot be written.
    """
    changed = [path for path, text in texts.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in changed:
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(texts[path], encoding="utf-8")
            partial.replace(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise StorehouseError(
                f"Cannot write {path}: {error.strerror or error}.",
                "See that this user may write to the folder, and discover again.",
            ) from None
    return tuple(changed)
