"""Files larger than the memory that reading them may take (law X13)."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from etl.catalog import SourceTable
from etl.settings import PROJECT_DIR
from tests.sources.file_drop import Drop, files_table

FILE_BYTES = 130_000_000
CAP_BYTES = 110_000_000
TEXT = "x" * 2_000

# In a process of its own: what the tests before have used would hide what the reading uses.
LAND = """
import json, sys
from pathlib import Path
from tests.sources.file_drop import Drop
from tests.sources.test_files_huge import table

def peak():
    (line,) = [l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("VmHWM")]
    return int(line.split()[1]) * 1024

name = sys.argv[2]
small, big = (Drop(Path(sys.argv[1]) / size) for size in ("small", "big"))
assert small.only(table(name)).row_count > 0
before = peak()
print(json.dumps([big.only(table(name)).row_count, peak() - before]))
"""

# Beginning, row and end of a file, and how it is declared.
FORMATS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "a.csv.gz": ("id,name\n", f"7,{TEXT}\n", "", {"kind": "csv"}),
    "a.json": (
        '{"rows": [{"id": 0}',
        f', {{"id": 7, "name": "{TEXT}"}}',
        "]}",
        {"kind": "json", "data": ["rows"]},
    ),
    "a.jsonl": ("", f'{{"id": 7, "name": "{TEXT}"}}\n', "", {"kind": "json", "lines": True}),
    "a.xml": (
        "<r>",
        f"<other><a/></other><row><id>7</id><name>{TEXT}</name></row>",
        "</r>",
        {"kind": "xml", "record": "row"},
    ),
}


def table(name: str) -> SourceTable:
    """The table of a format; what its file unpacks to is meant so."""
    return files_table(FORMATS[name][3], ["id", "name"], files={"limits": {"ratio": 10_000}})


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_is_landed_in_less_memory_than_it_has_bytes(tmp_path: Path, name: str) -> None:
    begin, row, end, _ = FORMATS[name]
    count = FILE_BYTES // len(row)
    pack: Callable[[bytes], bytes] = (
        partial(gzip.compress, compresslevel=1) if name.endswith(".gz") else bytes
    )
    for size, rows in {"small": 1, "big": count}.items():
        Drop(tmp_path / size).put(name, pack((begin + row * rows + end).encode()))
    done = subprocess.run(
        [sys.executable, "-c", LAND, str(tmp_path), name],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    landed, growth = json.loads(done.stdout)
    assert landed == count + (name == "a.json")
    assert growth < CAP_BYTES < FILE_BYTES
