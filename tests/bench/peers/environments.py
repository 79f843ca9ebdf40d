"""A virtual environment for each peer below ``.storehouse/bench/peers``, made by pip at first use."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from etl.settings import get_settings

# What is installed, and how it is asked whether it works: some packages download their program at first use.
_REQUIREMENTS = {
    "connectorx": ("connectorx==0.4.*", "pgpq==0.12.*", "pyarrow"),
    "dbt": ("dbt-core==1.10.*", "dbt-postgres"),
    "dlt": (
        "dlt[postgres,parquet,sql_database]==1.31.*",
        "connectorx==0.4.*",
        "adbc-driver-postgresql",
        "pymysql",
        "sqlalchemy",
    ),
    "ingestr": ("ingestr==0.15.9",),
    "polars": ("polars==1.*", "pyarrow"),
    "sling": ("sling",),
}
_TRIALS = {
    "connectorx": ("python", "-c", "import connectorx, pgpq, pyarrow"),
    "dbt": ("dbt", "--version"),
    "dlt": ("python", "-c", "import adbc_driver_postgresql, connectorx, dlt.sources.sql_database"),
    "ingestr": ("ingestr", "--version"),
    "polars": ("python", "-c", "import polars"),
    "sling": ("sling", "--version"),
}
_TRIAL_SECONDS = 120
_SHOWN_CHARACTERS = 150


class PeerAbsent(Exception):
    """The peer cannot be had here; the message says why in one line."""


def peer_folder(name: str) -> Path:
    """The ``bin`` folder of a peer's environment, made at first use.

    Raises:
        PeerAbsent: It cannot be installed, or does not start.
    """
    home = get_settings().state_dir / "bench" / "peers" / name
    made_of = "\n".join(_REQUIREMENTS[name])
    complete = home / "complete"
    if not complete.exists() or complete.read_text("utf-8") != made_of:
        _make(home, name)
        complete.write_text(made_of, "utf-8")
    return home / "bin"


def program(name: str) -> str:
    """A program of this machine.

    Raises:
        PeerAbsent: It is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise PeerAbsent(f"no program {name} on this machine")
    return found


def _make(home: Path, name: str) -> None:
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    _run([sys.executable, "-m", "venv", str(home)])
    _run([str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", *_REQUIREMENTS[name]])
    _run([str(home / "bin" / _TRIALS[name][0]), *_TRIALS[name][1:]])


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=None if "pip" in command else _TRIAL_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise PeerAbsent(f"{Path(command[0]).name} did not answer within {_TRIAL_SECONDS} s") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise PeerAbsent(said[-1][:_SHOWN_CHARACTERS])
