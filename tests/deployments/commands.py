"""Commands of the project, given as a user gives them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from etl.settings import PROJECT_DIR


def run_command(state: Path, *arguments: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
    """A Python command in the project's folder, whose only settings are those of the state folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ETL_", "PREFECT_"))}
    own = {
        "ETL_STATE_DIR": str(state),
        "PREFECT_PROFILES_PATH": str(state / "prefect" / "profiles.toml"),
        "COLUMNS": "200",
    }
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command,
        cwd=PROJECT_DIR,
        env={**kept, **own},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert (done.returncode != 0) is fails, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done
