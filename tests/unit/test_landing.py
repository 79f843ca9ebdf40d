"""Landing: whole files or none, whatever the names, and a clear word when the disk is full."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.arrow_files import open_arrow_file, safe_file_name
from etl.errors import FileFault, SourceError, StorehouseError
from etl.handles import Extract
from etl.landing import land, land_once, remove_landed, sweep_landing
from etl.windows import Window

SCHEMA = pa.schema({"id": pa.int64(), "name": pa.string()})


def reader(*batches: list[dict[str, object]], schema: pa.Schema = SCHEMA) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(
        schema, (pa.RecordBatch.from_pylist(rows, schema=schema) for rows in batches)
    )


def extract(table: str = "shop.orders", part: str = "1of1") -> Extract:
    return Extract(table, Window(), part=part)


def test_a_file_that_is_read_counts_no_memory_beside_its_batches(tmp_path: Path) -> None:
    landed = land(reader([{"id": n, "name": f"é{n}"} for n in range(5)]), extract(), tmp_path / "run 1")
    with open_arrow_file(landed.path) as file:
        file.get_batch(0)
        assert landed.path.name not in Path("/proc/self/maps").read_text()


def test_batches_are_written_in_order_and_empty_ones_skipped(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"id": n, "name": f"é{n}"} for n in range(5)]
    landed = land(reader(rows[:2], [], rows[2:]), extract(), tmp_path / "run 1")
    with open_arrow_file(landed.path) as file:
        assert file.read_all().to_pylist() == rows
        assert file.num_record_batches == 2
    assert (landed.row_count, landed.byte_count) == (5, landed.path.stat().st_size)
    assert landed.path.parent == tmp_path / "run 1"


def test_no_rows_give_a_valid_file_with_the_schema(tmp_path: Path) -> None:
    landed = land(reader(), extract(), tmp_path)
    with open_arrow_file(landed.path) as file:
        assert file.schema == SCHEMA
        assert file.num_record_batches == 0
    assert landed.row_count == 0


def test_zero_dates_are_counted_and_left_out(tmp_path: Path) -> None:
    schema = pa.schema({"_zero_dates": pa.int8(), **{f.name: f.type for f in SCHEMA}})
    first: list[dict[str, object]] = [
        {"_zero_dates": 2, "id": 1, "name": "a"},
        {"_zero_dates": 0, "id": 2, "name": "b"},
    ]
    second: list[dict[str, object]] = [
        {"_zero_dates": 1, "id": 3, "name": None},
        {"_zero_dates": None, "id": 4, "name": "c"},
    ]
    landed = land(reader(first, second, schema=schema), extract(), tmp_path)
    assert landed.zero_date_count == 3
    with open_arrow_file(landed.path) as file:
        assert file.schema == SCHEMA


def test_landing_again_replaces_the_file(tmp_path: Path) -> None:
    land(reader([{"id": 1, "name": "old"}]), extract(), tmp_path)
    landed = land(reader([{"id": 2, "name": "new"}]), extract(), tmp_path)
    with open_arrow_file(landed.path) as file:
        assert file.read_all().to_pylist() == [{"id": 2, "name": "new"}]
    assert list(tmp_path.iterdir()) == [landed.path]


def test_what_a_run_has_landed_is_not_read_again(tmp_path: Path) -> None:
    """A task that a cluster does twice must not find later rows of a source without snapshots (law X2)."""
    first = land_once(lambda: reader([{"id": 1, "name": "a"}]), extract(), tmp_path)
    again = land_once(lambda: pytest.fail("it was read again"), extract(), tmp_path)
    assert again == first
    other = land_once(lambda: reader([{"id": 2, "name": "b"}]), extract(part="2of2"), tmp_path)
    assert other.path != first.path


def test_a_fault_is_remembered_and_a_failure_is_tried_again(tmp_path: Path) -> None:
    def faulty() -> pa.RecordBatchReader:
        raise FileFault("no header", "Mend the file.")

    def lost() -> pa.RecordBatchReader:
        raise SourceError("the connection was lost")

    assert land_once(faulty, extract(part="a"), tmp_path).fault == "no header"
    assert land_once(faulty, extract(part="a"), tmp_path).fault == "no header"
    with pytest.raises(SourceError):
        land_once(lost, extract(part="b"), tmp_path)
    assert land_once(lambda: reader([{"id": 1, "name": "a"}]), extract(part="b"), tmp_path).row_count == 1


def test_a_source_that_fails_halfway_leaves_nothing_behind(tmp_path: Path) -> None:
    def failing() -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pylist([{"id": 1, "name": "a"}], schema=SCHEMA)
        raise SourceError("the source went away")

    with pytest.raises(SourceError, match="went away"):
        land(pa.RecordBatchReader.from_batches(SCHEMA, failing()), extract(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_memory_is_bounded_by_the_batch(tmp_path: Path) -> None:
    """Law X13: 60 batches of 8 MB in an address space that holds only some of them."""
    script = """
        import resource, pyarrow as pa, os
        from pathlib import Path
        from etl.handles import Extract
        from etl.landing import land
        from etl.windows import Window
        schema = pa.schema({"x": pa.binary()})
        column = lambda: pa.array([os.urandom(8192) for _ in range(1024)])
        batches = (pa.RecordBatch.from_arrays([column()], schema=schema) for _ in range(60))
        before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
        reader = pa.RecordBatchReader.from_batches(schema, batches)
        landed = land(reader, Extract("t", Window()), Path(FOLDER))
        peak = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
        print(landed.row_count, (int(peak.split()[1]) * 1024 - before) >> 20)
    """.replace("FOLDER", repr(str(tmp_path)))
    done = run_python(script)
    rows, megabytes = map(int, done.stdout.split())
    assert rows == 60 * 1024
    assert megabytes < 200


def test_a_full_disk_is_one_clear_message_and_no_file(tmp_path: Path) -> None:
    """The kernel refuses to let files of this process grow beyond 1 MB, as a full disk would."""
    script = """
        import resource, os, pyarrow as pa
        from pathlib import Path
        from etl.errors import StorehouseError
        from etl.handles import Extract
        from etl.landing import land
        from etl.windows import Window
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        schema = pa.schema({"x": pa.binary()})
        column = lambda: pa.array([os.urandom(1000) for _ in range(300)])
        batches = (pa.RecordBatch.from_arrays([column()], schema=schema) for _ in range(9))
        reader = pa.RecordBatchReader.from_batches(schema, batches)
        try:
            land(reader, Extract("shop.orders", Window()), Path(FOLDER))
        except StorehouseError as error:
            print(error)
    """.replace("FOLDER", repr(str(tmp_path)))
    message = run_python(script).stdout
    assert f"No room left in {tmp_path}" in message
    assert "rows of shop.orders@rows@1of1.arrow" in message
    assert "ETL_LANDING_DIR" in message
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorehouseError, match=r"Cannot write .*file"):
        land(reader(), extract(), tmp_path / "file")


def test_a_killed_landing_leaves_only_a_partial_file_that_nobody_reads(tmp_path: Path) -> None:
    script = """
        import os, signal, pyarrow as pa
        from pathlib import Path
        from etl.handles import Extract
        from etl.landing import land
        from etl.windows import Window
        schema = pa.schema({"id": pa.int64(), "name": pa.string()})
        def batches():
            yield pa.RecordBatch.from_pylist([{"id": 1, "name": "a"}], schema=schema)
            os.kill(os.getpid(), signal.SIGKILL)
        reader = pa.RecordBatchReader.from_batches(schema, batches())
        land(reader, Extract("shop.orders", Window()), Path(FOLDER))
    """.replace("FOLDER", repr(str(tmp_path)))
    assert run_python(script, check=False).returncode == -9
    assert [path.suffix for path in tmp_path.iterdir()] == [".partial"]
    landed = land(reader([{"id": 1, "name": "a"}]), extract(), tmp_path)
    assert landed.path.suffix == ".arrow"
    remove_landed(tmp_path)
    assert not tmp_path.exists()
    remove_landed(tmp_path)


def test_a_file_that_is_no_arrow_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.arrow").write_bytes(b"not arrow at all")
    with pytest.raises(StorehouseError, match=r"x\.arrow"):
        open_arrow_file(tmp_path / "x.arrow")
    with pytest.raises(StorehouseError, match=r"gone\.arrow"):
        open_arrow_file(tmp_path / "gone.arrow")


def test_names_with_anything_in_them_are_files_of_the_folder(tmp_path: Path) -> None:
    names = [
        "shop.a/b",
        "shop.a\\b",
        'x";--',
        "..",
        "../up",
        "ключ",
        "a'b\n",
        "表" * 90,
        "表" * 89 + "a",
        "a@b",
        "A",
        "a",
    ]
    landed = [
        land(reader([{"id": n, "name": name}]), extract(name), tmp_path) for n, name in enumerate(names)
    ]
    assert len({file.path for file in landed}) == len(names)
    for file, name in zip(landed, names, strict=True):
        assert file.path.parent == tmp_path
        with open_arrow_file(file.path) as opened:
            assert opened.read_all()["name"].to_pylist() == [name]


@settings(deadline=None)
@given(st.lists(st.lists(st.text(), min_size=1, max_size=3).map(tuple), unique=True, max_size=6))
def test_different_parts_never_share_a_file_name(parts: list[tuple[str, ...]]) -> None:
    names = [safe_file_name(*part) for part in parts]
    assert len(set(names)) == len(names)
    assert all("/" not in name and len(name.encode()) <= 200 for name in names)


def test_sweeping_keeps_the_latest_runs(tmp_path: Path) -> None:
    for age, name in enumerate(["newest", "middle", "oldest"]):
        land(reader([{"id": 1, "name": name}]), extract(), tmp_path / name)
        os.utime(tmp_path / name, (time.time() - age * 60,) * 2)
    (tmp_path / "note.txt").write_text("not a run")
    assert sweep_landing(tmp_path, keep_runs=2) == [tmp_path / "oldest"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["middle", "newest", "note.txt"]
    assert sweep_landing(tmp_path / "nowhere", keep_runs=2) == []


def run_python(script: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        check=check,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
