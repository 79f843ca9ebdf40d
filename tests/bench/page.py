"""One benchmark's part of docs/performance.md, and the page that is put together from all of them."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

import psutil

PAGE = Path("docs/performance.md")
_HEAD = """# Speed

What was measured, against what, and how to measure it again. Written by `make bench`; each part says the
command that makes it anew. Times differ from machine to machine and from minute to minute; ratios measured in
turn, round by round, differ little, so ratios are what is aimed at.
"""


def machine() -> str:
    """What it was measured on, and when."""
    memory = round(psutil.virtual_memory().total / 2**30)
    load = os.getloadavg()[0]
    return (
        f"{platform.system()}, {os.cpu_count()} cores, {memory} GiB, Python {platform.python_version()}, "
        f"load {load:.1f} at the end, {date.today().isoformat()}"
    )


@dataclass(frozen=True)
class Section:
    """What one benchmark has to say.

    Attributes:
        title: Heading.
        command: What makes it anew.
        text: Markdown before the table: what is measured, what is left out, what is aimed at.
        header: Names of the columns.
        rows: Cells, as text.
        note: Markdown below the table: what a reader sees in it.
        machine: Filled in when it was measured.
    """

    title: str
    command: str
    text: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    machine: str = field(default_factory=machine)

    def __post_init__(self) -> None:
        if any(len(row) != len(self.header) for row in self.rows):
            raise ValueError(f"'{self.title}': each row needs {len(self.header)} cells, as the header has.")

    def markdown(self) -> str:
        """The section as it stands in the page."""
        lines = [
            "| " + " | ".join(cells) + " |" for cells in (self.header, ["---"] * len(self.header), *self.rows)
        ]
        parts = [
            f"## {self.title}",
            f"```\n{self.command}\n```",
            self.text.strip(),
            f"{self.machine}:",
            "\n".join(lines),
            self.note.strip(),
        ]
        return "\n\n".join(filter(None, parts)) + "\n"


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median, and the range where there are several."""
    middle = f"{statistics.median(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def keep(section: Section, name: str, folder: Path) -> None:
    """Store a section for the page."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(asdict(section), indent=1), "utf-8")


def write_page(names: Sequence[str], folder: Path) -> None:
    """Put the page together from the sections that are stored, in the order of ``names``."""
    stored = [folder / f"{name}.json" for name in names]
    sections = [Section(**json.loads(path.read_text("utf-8"))) for path in stored if path.exists()]
    PAGE.write_text("\n".join([_HEAD, *(section.markdown() for section in sections)]), "utf-8")
