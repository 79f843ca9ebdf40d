"""Every SQL file of the warehouse says what its rows are, and what it reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from etl.settings import PROJECT_DIR

FOLDER = PROJECT_DIR / "sql" / "warehouse"
FILES = sorted(FOLDER.glob("**/*.sql"))
MACROS = re.compile(r"{#.*?#}|{%-? *(?:import|from) [^%]*%}|{%-? *macro .*?{%-? *endmacro *-?%}", re.DOTALL)
# A relation of a schema; what stands behind a bare name is a part of the statement itself.
READ = re.compile(r"\b(?:from|join|using)\s+(?:\w+|{{[^}]*}})\.(?:\w|{{)|\bfrom pg_", re.IGNORECASE)
WRITTEN = re.compile(r"\bdelete\s+from\s+\S+", re.IGNORECASE)


def lacks(text: str) -> list[str]:
    """Header lines that the text ought to have and does not; a file of macros alone needs none."""
    lines = text.splitlines()
    said = {line.split(":")[0] for line in lines[:6] if line.startswith(("-- grain: ", "-- reads: "))}
    code = "\n".join(line for line in lines if not line.lstrip().startswith("--"))
    if not MACROS.sub("", code).strip():
        return []
    reads = READ.search(WRITTEN.sub("", MACROS.sub("", code))) is not None
    return sorted({"-- grain", *(["-- reads"] if reads else [])} - said)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_a_file_has_its_header(file: Path) -> None:
    assert lacks(file.read_text(encoding="utf-8")) == []


def test_a_header_that_is_missing_is_seen() -> None:
    assert len(FILES) > 100
    assert lacks("select 1\n") == ["-- grain"]
    assert lacks("-- grain: x\nselect a from warehouse.dim_date\n") == ["-- reads"]
    assert lacks("-- grain: x\ndelete from {{ s | ident }}.{{ t | ident }}\nwhere a = %(a)s\n") == []
    assert lacks("{#- m -#}\n{% macro m(a) -%}\nselect a from audit.runs\n{%- endmacro %}\n") == []
