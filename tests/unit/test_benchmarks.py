"""The page of benchmarks: every part can be measured, and the page holds what was kept of each."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

import pytest

from tests.bench import __main__ as command
from tests.bench import page
from tests.bench.fingerprints import COLUMNS
from tests.bench.measuring import measure
from tests.bench.page import Section, keep, spread, write_page
from tests.bench.peers import environments
from tests.bench.peers.environments import PeerAbsent, peer_folder, program

SECTION = Section(
    "Copies", "make bench ARGS='copies'", "What is copied.", ("what", "seconds"), [["ours", "1.0"]]
)


@pytest.mark.parametrize("name", command.NAMES)
def test_each_name_is_a_module_with_a_measure(name: str) -> None:
    measured = import_module(f"tests.bench.{name}").measure
    assert list(inspect.signature(measured).parameters) == ["options"]
    assert measured.__doc__


def test_the_page_has_the_parts_in_the_order_of_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "PAGE", tmp_path / "performance.md")
    keep(Section("Later", "x", "", ("a",), [], "Seen."), "later", tmp_path)
    keep(SECTION, "copies", tmp_path)
    write_page(("copies", "never_measured", "later"), tmp_path)
    text = (tmp_path / "performance.md").read_text("utf-8")
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# Speed",
        "## Copies",
        "## Later",
    ]
    assert "| what | seconds |\n| --- | --- |\n| ours | 1.0 |\n" in text
    assert "```\nmake bench ARGS='copies'\n```" in text
    assert text.rstrip().endswith("Seen.")


def test_a_part_that_is_measured_again_replaces_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "PAGE", tmp_path / "performance.md")
    for seconds in ("1.0", "2.0"):
        keep(Section("Copies", "x", "", ("seconds",), [[seconds]]), "copies", tmp_path)
    write_page(("copies",), tmp_path)
    text = (tmp_path / "performance.md").read_text("utf-8")
    assert "| 2.0 |" in text
    assert "| 1.0 |" not in text


def test_a_spread_is_the_median_and_the_range() -> None:
    assert spread([3.0, 1.0, 2.0]) == "2.00 (1.00-3.00)"
    assert spread([3.0]) == "3.00"


def test_a_process_is_measured_with_its_children() -> None:
    child = "bytearray(60_000_000); import time; time.sleep(0.4)"
    found = measure(["/bin/sh", "-c", f"python3 -c '{child}'; echo done"])
    assert found.output == "done\n"
    assert 60 < found.peak_mb < 200
    assert found.peaks_mb.keys() >= {"helper of Python"}
    assert found.cpu_seconds > 0


def test_a_command_that_fails_says_what_it_printed() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)code 3.*no such table"):
        measure(["/bin/sh", "-c", "echo no such table; exit 3"])


def test_a_peer_that_cannot_be_had_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setitem(environments._REQUIREMENTS, "ingestr", ("no-such-package==0",))
    monkeypatch.setattr(environments, "get_settings", lambda: type("Settings", (), {"state_dir": tmp_path}))
    with pytest.raises(PeerAbsent, match="no-such-package"):
        peer_folder("ingestr")
    with pytest.raises(PeerAbsent, match="no-such-program"):
        program("no-such-program")


def test_every_copied_column_is_compared() -> None:
    statements = (Path(__file__).parents[1] / "bench" / "sql" / "copied.sql").read_text("utf-8").split(";")
    for table, columns in COLUMNS.items():
        made = next(s for s in statements if f"create table {table} (" in s)
        names = [line.split()[0] for line in made.splitlines() if line.startswith("    ")]
        assert names == list(columns)
