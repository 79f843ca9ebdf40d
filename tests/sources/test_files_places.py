"""Where files lie and which are there: patterns, links, names, other places, archives (laws X11, P1, P4)."""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import Retry

from etl.errors import ConfigError, FileFault, SourceError, TransientError
from etl.handles import Extract
from etl.sources.files import web_address
from etl.sources.files.patterns import fixed_start, matches
from etl.windows import Window
from tests.sources.file_drop import CSV, Drop, files_table, gzipped, landed_rows, zipped

NAMES = ["id", "name"]
TABLE = "drop.counts"


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    return Drop(tmp_path)


@pytest.fixture
def web(drop: Drop) -> Iterator[Drop]:
    """The folder behind a web server on loopback."""
    drop.folder.mkdir()
    with served(partial(Quiet, directory=str(drop.folder))) as url:
        drop.url = url
        yield drop


def turned_into_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def found(drop: Drop, pattern: Any, **files: Any) -> list[str]:
    """Paths of the files that a table of this pattern reads."""
    snapshot = drop.snapshot(files_table(CSV, NAMES, pattern, files))
    assert [file.fault for file in snapshot.files[TABLE] if file.fault] == []
    return [file.path for file in snapshot.files[TABLE]]


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("a.csv", ["a.csv"]),
        ("*.csv", ["a.csv"]),
        ("?.csv", ["a.csv"]),
        ("*", ["a.csv", "b[1].txt"]),
        ("b[1].txt", ["b[1].txt"]),
        ("in/*.csv", ["in/c.csv"]),
        ("*/*.csv", ["in/c.csv"]),
        ("**/*.csv", ["a.csv", "in/c.csv", "in/deep/d.csv"]),
        ("in/**/*.csv", ["in/c.csv", "in/deep/d.csv"]),
        ("in/**/deep/**/d.csv", ["in/deep/d.csv"]),
        (".hidden.csv", [".hidden.csv"]),
        (["in/c.csv", "*.csv", "none.csv"], ["a.csv", "in/c.csv"]),
        ("none/*", []),
    ],
)
@pytest.mark.parametrize("url", ["", "memory://drop"])
def test_a_pattern_means_these_files(drop: Drop, pattern: Any, paths: list[str], url: str) -> None:
    """The same in a folder and behind fsspec; as in a shell, names with a point before them are hidden."""
    for name in ("a.csv", "b[1].txt", "in/c.csv", "in/deep/d.csv", ".hidden.csv", "in/.tmp/e.csv"):
        drop.put(name, f"id,name\n1,{name}\n")
    if url:
        drop.url = copied_to(f"memory://{drop.tmp_path.name}", drop.folder)
    assert sorted(found(drop, pattern, stable_seconds=0)) == paths


@given(st.lists(st.sampled_from(["a", "b*", "*", "**", "?"]), min_size=1, max_size=4), st.data())
def test_what_a_pattern_means_lies_below_its_fixed_start(steps: list[str], data: st.DataObject) -> None:
    path = "/".join(data.draw(st.lists(st.sampled_from(["a", "b", "bc"]), min_size=1, max_size=5)))
    pattern = "/".join([*steps, "a"])
    if matches(path, pattern):
        assert path.startswith(fixed_start(pattern))
    assert matches(path, f"**/{pattern}") or not matches(path, pattern)


@pytest.mark.parametrize("pattern", ["/etc/*", "../*", "a/../b", "a//b", "", "./a"])
def test_a_pattern_cannot_leave_the_folder(pattern: str) -> None:
    with pytest.raises(ValueError, match="is no path below the source's URL"):
        files_table(CSV, NAMES, pattern)


def test_files_come_oldest_first(drop: Drop) -> None:
    for name in ("b.csv", "c.csv", "a.csv"):
        drop.put(name, f"id,name\n1,{name}\n")
    assert found(drop, "*") == ["b.csv", "c.csv", "a.csv"]


def test_an_empty_folder_has_no_files_and_a_missing_one_is_an_error(drop: Drop) -> None:
    assert found(drop, "*") == []
    drop.url = str(drop.tmp_path / "missing")
    with pytest.raises(SourceError, match=r"which does not exist.\n .*ETL_DROP_URL"):
        drop.snapshot(files_table(CSV, NAMES))


def test_a_content_under_two_names_is_loaded_once(drop: Drop) -> None:
    drop.put("a.csv", "id,name\n1,x\n")
    drop.put("b.csv", "id,name\n1,x\n")
    snapshot = drop.snapshot(files_table(CSV, NAMES))
    assert [file.path for file in snapshot.files[TABLE]] == ["a.csv"]
    assert snapshot.notes == ("drop.counts: 'b.csv' has the content of 'a.csv', which is loaded once",)


def test_a_file_that_changed_a_moment_ago_waits(drop: Drop) -> None:
    """One of the future does not: its place has another clock, and what is written on shows in its hash."""
    os.utime(drop.put("a.csv", "id,name\n1,x\n"))
    os.utime(drop.put("b.csv", "id,name\n2,x\n"), (4_000_000_000,) * 2)
    snapshot = drop.snapshot(files_table(CSV, NAMES, files={"stable_seconds": 60}))
    assert [file.path for file in snapshot.files[TABLE]] == ["b.csv"]
    assert snapshot.notes == ("drop.counts: 'a.csv' changed a moment ago and waits for the next run",)
    assert found(drop, "*", stable_seconds=0) == ["a.csv", "b.csv"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda path: path.write_text("id,name\n1,x\n2,y\n"), "its content changed between"),
        (lambda path: path.unlink(), "it is gone since it was listed"),
        (lambda path: (path.unlink(), path.mkdir()), "it is no regular file"),
        (turned_into_a_pipe, "it is no regular file"),
        (
            lambda path: (path.unlink(), path.symlink_to("/etc/hostname")),
            "it leads out of the source's folder",
        ),
    ],
)
def test_a_file_that_changes_between_listing_and_reading_is_not_loaded(
    drop: Drop, change: Any, reason: str
) -> None:
    path = drop.put("a.csv", "id,name\n1,x\n")
    table = files_table(CSV, NAMES)
    listed = drop.snapshot(table)
    change(path)
    (file,) = listed.files[TABLE]
    with pytest.raises(FileFault) as caught:
        drop.source().read(table, Extract(TABLE, Window(), file=file), listed)
    assert caught.value.problem.startswith(reason)


def test_links_that_leave_the_folder_are_not_followed_and_not_passed_over(drop: Drop) -> None:
    """Law P4: links within the folder are."""
    outside = drop.tmp_path / "secret.csv"
    outside.write_text("id,name\n1,secret\n")
    drop.put("in/a.csv", "id,name\n1,x\n")
    for name, target in {"b": str(outside), "c": "in/a.csv", "d": "nowhere", "e": "/etc"}.items():
        (drop.folder / f"{name}.csv").symlink_to(target)
    os.mkfifo(drop.folder / "f.csv")
    (drop.folder / "out").symlink_to(drop.tmp_path, target_is_directory=True)
    snapshot = drop.snapshot(files_table(CSV, NAMES, ["*.csv", "**/*.csv"]))
    assert {file.path: file.fault for file in snapshot.files[TABLE]} == {
        "b.csv": "it is a link that leads out of the source's folder, and is not followed",
        "c.csv": "",
        "d.csv": "it is a link that leads nowhere",
        "e.csv": "it is a link that leads out of the source's folder, and is not followed",
        "f.csv": "it is no regular file",
    }
    assert "in/a.csv' has the content of 'c.csv" in str(snapshot.notes)
    assert [landed.row_count for landed in drop.land(files_table(CSV, NAMES, "*.csv"))] == [0, 1, 0, 0, 0]


def test_a_file_may_have_any_name(drop: Drop) -> None:
    """Law P1; what is no UTF-8 has no name that could be kept, and says so."""
    names = ['"; drop table x; --.csv', "é\n😀.csv", "%2e%2e.csv", "$(id) `id` 'x'.csv", "..csv.csv"]
    for name in names:
        drop.put(name, f"id,name\n1,{name.encode().hex()}\n")
    rows = [
        row
        for landed in drop.land(files_table(CSV, NAMES))
        for row in landed_rows(landed, ["_source_file", "name"])
    ]
    assert sorted(rows) == sorted((name, name.encode().hex()) for name in names if not name.startswith("."))
    Path(os.fsdecode(os.fsencode(drop.folder) + b"/\xff.txt")).write_text("id,name\n")
    (faulty,) = drop.land(files_table(CSV, NAMES, "*.txt"))
    assert faulty.fault == "its name is not UTF-8"
    assert faulty.extract.file is not None
    assert faulty.extract.file.path == "\\xff.txt"


@pytest.mark.parametrize("url", ["{}", "file://{}", "memory://"])
def test_any_url_of_a_folder(drop: Drop, url: str) -> None:
    drop.put("in/Zoë 1%.csv", "id,name\n1,x\n")
    drop.url = (
        copied_to(f"memory://{drop.tmp_path.name}", drop.folder)
        if url == "memory://"
        else url.format(drop.folder)
    )
    (landed,) = drop.land(files_table(CSV, NAMES, "in/*.csv", {"stable_seconds": 0}))
    assert landed_rows(landed, [*NAMES, "_source_file", "_source_modified_at"]) == [
        ("1", "x", "in/Zoë 1%.csv", ANY)
    ]


@pytest.mark.parametrize("url", ["nonsense://x/y", "ssh:///x?password=pa55word"])
def test_a_url_that_cannot_be_used_is_a_clear_error_without_it(drop: Drop, url: str) -> None:
    """Law P2."""
    drop.url = url
    with pytest.raises(ConfigError, match="ETL_DROP_URL cannot be read as the URL of a folder") as caught:
        drop.source()
    assert "pa55word" not in str(caught.value)


def test_a_web_address_gives_files_by_their_exact_names(web: Drop) -> None:
    web.put("rates/daily 1%.csv", "id,name\n1,x\n")
    table = files_table(CSV, NAMES, "rates/daily 1%.csv")
    assert landed_rows(web.only(table), [*NAMES, "_source_file", "_source_modified_at"]) == [
        ("1", "x", "rates/daily 1%.csv", "2023-11-14 22:13:21.000000")
    ]
    with pytest.raises(ConfigError, match="lists no files for"):
        web.snapshot(files_table(CSV, NAMES, "rates/*.csv"))
    with pytest.raises(SourceError, match=r"has no file missing.csv: the server answered 404"):
        web.snapshot(files_table(CSV, NAMES, "missing.csv"))


def test_a_web_address_that_fails_is_tried_again_and_its_secret_is_not_told(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Laws P2, X11: a body that breaks off is never a shorter file."""
    monkeypatch.setattr(
        web_address,
        "_RETRY",
        Retry(2, backoff_factor=0.01, status_forcelist=(503,), raise_on_status=False),
    )
    table = files_table(CSV, NAMES, "a.csv")
    with served(Failing) as url:
        drop.url = url.replace("http://", "http://user:pa55word@") + "/?token=pa55word"
        Failing.left = 2
        assert drop.rows(table) == [("1", "x")]
        for status, kind in {403: SourceError, 503: TransientError, 200: TransientError}.items():
            Failing.left, Failing.status = 99, status
            with pytest.raises(kind) as caught:
                drop.snapshot(table)
            assert "pa55word" not in str(caught.value)
            assert caught.value.__cause__ is None


def test_gzip_and_zip_are_unpacked(drop: Drop) -> None:
    """What macOS and editors leave in archives are no members."""
    drop.put("a.csv.gz", gzipped("id,name\n1,x\n") + gzipped("2,y\n"))
    drop.put(
        "b.ZIP",
        zipped({"n/b.csv": "id,name\n3,z\n", "c.csv": "id,name\n4,z\n", "__MACOSX/._c": "", "n/": ""}),
    )
    rows = [
        row
        for landed in drop.land(files_table(CSV, NAMES))
        for row in landed_rows(landed, [*NAMES, "_source_file", "_source_part", "_source_row"])
    ]
    assert rows == [
        ("1", "x", "a.csv.gz", None, 1),
        ("2", "y", "a.csv.gz", None, 2),
        ("3", "z", "b.ZIP", "n/b.csv", 1),
        ("4", "z", "b.ZIP", "c.csv", 2),
    ]


def test_names_within_an_archive_are_no_paths(drop: Drop) -> None:
    """Law P4."""
    names = ["../../escaped.csv", "/etc/escaped.csv", "C:\\escaped.csv"]
    drop.put("a.zip", zipped({name: f"id,name\n{n},x\n" for n, name in enumerate(names)}))
    parts = [part for (part,) in landed_rows(drop.only(files_table(CSV, NAMES)), ["_source_part"])]
    assert parts == names
    assert list(drop.tmp_path.rglob("*escaped*")) == []


def bomb_with_a_false_size() -> bytes:
    """A member that says that it has ten bytes, and has a hundred million."""
    content = zipped({"a.csv": "id,name\n" + "1,x\n" * 25_000_000})
    real = struct.pack("<L", 8 + 4 * 25_000_000)
    assert content.count(real) == 2
    return content.replace(real, struct.pack("<L", 10))


GZIP = gzipped("id,name\n" + "".join(f"{n},{zlib.crc32(bytes([n % 256, n // 256]))}\n" for n in range(9_999)))


@pytest.mark.parametrize(
    ("name", "content", "limits", "reason"),
    [
        (
            "a.csv.gz",
            lambda: gzipped("id,name\n" + f"1,{'x' * 996}\n" * 80_000),
            {},
            "it unpacks to more than 67,108,864 bytes",
        ),
        ("a.csv.gz", lambda: gzipped("id,name\n"), {"unpacked_bytes": 5}, "it unpacks to more than 5 bytes"),
        ("a.csv.gz", lambda: GZIP[:-9], {}, "it is broken: Compressed file ended"),
        ("a.csv.gz", lambda: GZIP[:5_000] + b"?" + GZIP[5_001:], {}, "it is broken: "),
        ("a.csv.gz", lambda: b"id,name\n1,x\n", {}, "it is broken: Not a gzipped file"),
        (
            "a.zip",
            lambda: zipped({"a": "1,x\n" * 20_000_000}),
            {},
            "it unpacks to 80,000,000 bytes, more than",
        ),
        ("a.zip", bomb_with_a_false_size, {}, "it is broken: Bad CRC-32"),
        ("a.zip", lambda: zipped({str(n): "id" for n in range(9)}), {"members": 8}, "it has 9 members, more"),
        (
            "a.zip",
            lambda: zipped({"b.zip": zipped({"a": "id"})}),
            {},
            "its member 'b.zip' is an archive again",
        ),
        ("a.zip", lambda: zipped({".a": "id"}), {}, "its archive holds no file"),
        ("a.zip", lambda: zipped({"a": "id,name\n1,x\n"})[:-9], {}, "it is no zip archive"),
        ("a.zip", lambda: zipped({"a": "id,name\n", "b": "id\n"}), {}, "its header lacks 'name'"),
    ],
)
def test_an_archive_that_is_broken_or_asks_for_too_much_waits_as_a_whole(
    drop: Drop, name: str, content: Any, limits: dict[str, int], reason: str
) -> None:
    """Law P4."""
    drop.put(name, content())
    table = files_table({**CSV, "header_row": 1}, NAMES, files={"limits": limits})
    assert drop.fault(table).startswith(reason)


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Failing(BaseHTTPRequestHandler):
    """Fails so many times: with a status, or with a body that breaks off."""

    left = 0
    status = 503

    def do_GET(self) -> None:
        is_failing = Failing.left > 0
        Failing.left -= is_failing
        self.send_response(Failing.status if is_failing else 200)
        self.send_header("Content-Length", "1000" if is_failing and Failing.status == 200 else "12")
        self.end_headers()
        self.wfile.write(b"id,name\n1,x\n")

    def log_message(self, format: str, *args: Any) -> None:
        pass


class served:
    """A web server on loopback for a while; gives its address."""

    def __init__(self, handler: Any) -> None:
        self._server = HTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def copied_to(url: str, folder: Path) -> str:
    """The folder's files at another place."""
    files, root = fsspec.core.url_to_fs(url)
    for path in folder.rglob("*"):
        if path.is_file():
            files.pipe(f"{root}/{path.relative_to(folder)}", path.read_bytes())
    return url
