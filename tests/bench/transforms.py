"""Text, e-mail and phone cleaning: our prepare steps, the same row by row, and polars."""

from __future__ import annotations

import json
import time
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import phonenumbers
import pyarrow as pa
from email_validator import EmailNotValidError, validate_email

from etl.arrow_files import arrow_batches
from etl.catalog import SourceTable
from etl.handles import Extract, LandedFile
from etl.preparing import prepare
from etl.windows import Window
from tests.bench.measuring import measure as measure_process
from tests.bench.options import Options
from tests.bench.page import Section, spread
from tests.bench.peers.environments import PeerAbsent, peer_folder
from tests.bench.warehouses import write_file
from tests.servers import temporary_folder

SCRIPT = Path(__file__).parent / "peers" / "polars_clean.py"
OUTPUTS = ("first_name", "city", "email", "is_email_valid", "phone_e164")
# Row by row a million rows take minutes: measured on fewer, told for as many.
ROW_WISE_ROWS = 20_000
_NAMES = (" anna  maria", "JOSÉ", "o'brien ", "Zoe\u0308", "li", "MARC", "jean-luc\tpaul", "müller")
_CITIES = ("São Paulo", " Köln ", "New\u00a0York", "Lyon", "Saint  Étienne", "Łódź")
_DOMAINS = ("gmail.com", "web.de", "orange.fr", "mail.co.uk", "Example.COM")
_PHONES = (
    ("US", "(212) 555-{:04}"),
    ("DE", "030 {:04}567"),
    ("FR", "+33 1 42 68 {:02} 10"),
    ("GB", "020 7946 {:04}"),
)
_TEXT = """
{rows:,} rows with a name, a city, an address, a phone number and a country, from a landed Arrow file to a
prepared one: white space and Unicode, capitals of names, e-mail addresses judged as email-validator does,
phone numbers as E.164 as phonenumbers does. Row by row is what one would write with `apply` and the same
libraries, on {few:,} rows, told for all. polars reads, cleans and writes in one process of its own, without
its start, and holds numbers for valid that look so, which all of the benchmark's are. Aims: at least 4 x
faster than row by row, within 2 x of polars.
"""
_NOTE = """
Values that are clean already are passed through untouched; a rule that needs Python is asked once for each
distinct text.
"""
_HEADER = ("what", "seconds", "CPU s", "x polars", "outputs equal")
TABLE = SourceTable.model_validate(
    {
        "name": "people", "source": "bench", "description": "People", "table": "people", "key": ["id"],
        "columns": {
            "id": {"type": "bigint"},
            **{name: {"type": "text"} for name in ("first_name", "city", "email", "phone", "country")},
        },
        "prepare": [
            {"step": "clean_text", "columns": ["first_name"], "case": "title"},
            {"step": "clean_text", "columns": ["city"]},
            {"step": "validate_email", "column": "email", "into": "is_email_valid"},
            {
                "step": "standardize_phone", "column": "phone", "into": "phone_e164",
                "region_column": "country",
            },
        ],
        "derived": {"is_email_valid": {"type": "boolean"}, "phone_e164": {"type": "text"}},
    }
)  # fmt: skip


def measure(options: Options) -> Section:
    """A third of the lines as rows."""
    rows = options.lines // 3
    with temporary_folder() as folder:
        people = _people(rows)
        landed = write_file(people, folder / "people.arrow")
        taken = [_prepared(landed, rows, folder) for _ in range(options.rounds)]
        ours = pa.Table.from_batches(arrow_batches(folder / "people.prepared.arrow")).select(OUTPUTS)
        seconds, cpu, cleaned = _row_by_row(people.slice(0, ROW_WISE_ROWS).to_pandas())
        scale = rows / min(rows, ROW_WISE_ROWS)
        polars, theirs = _polars(landed, folder, options.rounds)
        is_same = "yes" if cleaned == ours.slice(0, ROW_WISE_ROWS).to_pylist() else "**no**"
        lines = [
            ["this project", spread([t[0] for t in taken]), spread([t[1] for t in taken]), "", ""],
            ["row by row", f"{seconds * scale:.1f}", f"{cpu * scale:.1f}", "", is_same],
            [
                "polars",
                polars if isinstance(polars, str) else spread(polars),
                "",
                "1",
                _equality(ours, theirs),
            ],
        ]
        if not isinstance(polars, str):
            middle = float(np.median(polars))
            lines[0][3] = f"{float(np.median([t[0] for t in taken])) / middle:.2f}"
            lines[1][3] = f"{seconds * scale / middle:.0f}"
    return Section(
        title="Text, e-mail and phone cleaning",
        command=f"make bench ARGS='transforms --lines {options.lines} --rounds {options.rounds}'",
        text=_TEXT.format(rows=rows, few=ROW_WISE_ROWS),
        header=_HEADER,
        rows=lines,
        note=_NOTE,
    )


def _people(rows: int) -> pa.Table:
    """Names of a few hundred forms, and an address and a number of everybody's own."""
    at = np.arange(rows)
    picked = {name: [kinds[i % len(kinds)] for i in at] for name, kinds in (("f", _NAMES), ("c", _CITIES))}
    phones = [_PHONES[i % 4][1].format(i * 7 % (100 if i % 4 == 2 else 10_000)) for i in at]
    emails = [f"{'  ' if i % 50 == 0 else ''}user.{i}@{_DOMAINS[i % 5]}" for i in at]
    return pa.table(
        {
            "id": pa.array(at),
            "first_name": pa.array(picked["f"]),
            "city": pa.array(picked["c"]),
            "email": pa.array(emails),
            "phone": pa.array(phones),
            "country": pa.array([_PHONES[i % 4][0] for i in at]),
        }
    )


def _prepared(path: Path, rows: int, folder: Path) -> tuple[float, float]:
    landed = LandedFile(Extract("bench.people", Window()), path, rows, 0, 0.0)
    started, cpu = time.perf_counter(), time.process_time()
    done = prepare(landed, TABLE, folder, "US")
    assert done.row_count == rows, "rows were rejected"
    return time.perf_counter() - started, time.process_time() - cpu


def _row_by_row(frame: Any) -> tuple[float, float, list[Any]]:
    from etl.transforms.text import title_case

    started, cpu = time.perf_counter(), time.process_time()
    cleaned = pd.DataFrame(
        {
            "first_name": frame["first_name"].apply(lambda text: title_case(_tidy(text))),
            "city": frame["city"].apply(_tidy),
            "email": frame["email"].apply(_lowered),
        }
    )
    cleaned["is_email_valid"] = cleaned["email"].apply(_is_valid)
    cleaned["phone_e164"] = frame.apply(lambda row: _phone(row["phone"], row["country"]), axis=1)
    return time.perf_counter() - started, time.process_time() - cpu, cleaned.to_dict("records")


def _tidy(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _lowered(email: str) -> str:
    local, _, domain = email.strip().rpartition("@")
    return f"{local}@{domain.lower()}"


def _is_valid(email: str) -> bool:
    try:
        validate_email(email, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def _phone(number: str, region: str) -> str | None:
    parsed = phonenumbers.parse(number, region)
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _polars(landed: Path, folder: Path, rounds: int) -> tuple[list[float] | str, Path | None]:
    target = folder / "polars.arrow"
    try:
        command = [str(peer_folder("polars") / "python"), str(SCRIPT), str(landed), str(target)]
    except PeerAbsent as error:
        return f"absent: {error}", None
    return [float(json.loads(measure_process(command).output)) for _ in range(rounds)], target


def _equality(ours: pa.Table, path: Path | None) -> str:
    if path is None:
        return ""
    with pa.memory_map(str(path)) as file:
        theirs = pa.ipc.open_file(file).read_all()
    differing = [name for name in OUTPUTS if _texts(ours, name) != _texts(theirs, name)]
    return f"**no: {', '.join(differing)}**" if differing else "yes"


def _texts(table: pa.Table, name: str) -> pa.Array:
    return table[name].combine_chunks().cast(pa.string())
