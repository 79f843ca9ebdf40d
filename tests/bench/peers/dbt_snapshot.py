"""A dbt project with two snapshots of one table, run as people run it: ``dbt snapshot``."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.bench.measuring import measure
from tests.bench.peers.environments import peer_folder

_PROJECT = "name: bench\nversion: '1.0'\nprofile: bench\nsnapshot-paths: [snapshots]\n"
_PROFILE = """
bench:
  target: bench
  outputs:
    bench:
      {{
        type: postgres, host: "{host}", port: 5432, user: postgres, password: "",
        dbname: {database}, schema: peer
      }}
"""
_SNAPSHOTS = """
sources:
  - name: peer
    tables: [{name: members}]
snapshots:
  - name: timed
    relation: source('peer', 'members')
    config: {unique_key: id, strategy: timestamp, updated_at: updated_at, schema: peer, INDEXES}
  - name: stated
    relation: source('peer', 'members')
    config: {unique_key: id, strategy: check, check_cols: [COLUMNS], schema: peer, INDEXES}
"""
_INDEXES = "indexes: [{columns: [id]}, {columns: [dbt_scd_id]}]"
# Without it dbt puts the target's schema before the declared one.
_SCHEMA_MACRO = "{% macro generate_schema_name(name, node) %}peer{% endmacro %}\n"


@dataclass(frozen=True)
class DbtProject:
    """A project below ``folder`` for the database at ``url``, which has a table ``peer.members``."""

    folder: Path
    url: str

    def write(self, columns: tuple[str, ...]) -> None:
        """Write the project; ``columns`` are those that the strategy ``check`` compares."""
        host = parse_qs(urlsplit(self.url).query)["host"][0]
        snapshots = _SNAPSHOTS.replace("INDEXES", _INDEXES).replace("COLUMNS", ", ".join(columns))
        files = {
            "dbt_project.yml": _PROJECT,
            "profiles.yml": _PROFILE.format(host=host, database=urlsplit(self.url).path.strip("/")),
            "snapshots/snapshots.yml": snapshots,
            "macros/schema.sql": _SCHEMA_MACRO,
        }
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")

    def snapshot(self, name: str) -> tuple[float, float]:
        """Run one snapshot: seconds that dbt counts for its statements, and seconds of the whole process."""
        command = [
            str(peer_folder("dbt") / "dbt"), "--no-send-anonymous-usage-stats", "--no-version-check",
            "snapshot", "--select", name, "--project-dir", ".", "--profiles-dir", ".",
        ]  # fmt: skip
        taken = measure(command, {**os.environ, "DO_NOT_TRACK": "1"}, self.folder)
        results = json.loads((self.folder / "target" / "run_results.json").read_text("utf-8"))
        return float(results["results"][0]["execution_time"]), taken.seconds
