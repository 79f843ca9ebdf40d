"""What a fresh process does."""

from __future__ import annotations

import json
import subprocess
import sys

from etl.settings import PROJECT_DIR


def imported_by(code: str) -> list[str]:
    """Modules that a fresh process has imported after some code; what stands for one is none."""
    told = (
        "\nimport json, sys; print(json.dumps([n for n, m in list(sys.modules.items())"
        " if type(m).__name__ != '_Deferred']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code + told], cwd=PROJECT_DIR, capture_output=True, text=True, check=True
    )
    names: list[str] = json.loads(done.stdout.splitlines()[-1])
    return names
