"""``python -m deployments.run <deployment> [parameter=value ...]``: one run of its flow, here and now.

The run is told to the local Prefect server, which is started if need be, so that it stands in the UI with its
log like those that a worker takes; no worker is needed. Values are JSON, or texts where they are none.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from typing import Any

from deployments.apply import declared_deployments
from deployments.services import ensure_server
from etl.errors import ConfigError, StorehouseError
from etl.handles import Release, TableOutcome
from etl.settings import PROJECT_DIR

_DONE = ("inserted", "updated", "expired", "removed", "unchanged")
_HELD_BACK = ("rejected", "quarantined", "dropped")


def main(arguments: Sequence[str]) -> int:
    """Run; the exit code says whether it went well."""
    if not arguments:
        print(f"usage: {(__doc__ or '').partition('`` ')[0].partition('``')[2]}", file=sys.stderr)
        return 2
    try:
        result = run(arguments[0], _parameters(arguments[1:]))
    except StorehouseError as error:
        print(error, file=sys.stderr)
        return 1
    _show(result)
    return 0


def run(name: str, parameters: dict[str, Any]) -> object:
    """Run the flow of a deployment in this process; returns what it returns.

    Raises:
        ConfigError: No deployment has this name.
        StorehouseError: The run failed.
    """
    entries = {entry["name"]: entry for entry in declared_deployments().values()}
    if name not in entries:
        raise ConfigError(
            f"prefect.yaml declares no deployment '{name}'; it has {', '.join(entries)}.", "Correct the name."
        )
    print(f"Prefect answers at {ensure_server().removesuffix('/api')}.")
    from prefect.flows import load_flow_from_entrypoint  # Prefect reads its server's address on import

    flow: Any = load_flow_from_entrypoint(str(PROJECT_DIR / entries[name]["entrypoint"]))
    for handler in logging.getLogger().handlers:
        handler.setLevel(logging.WARNING)
        handler.addFilter(_is_not_told_at_the_end)
    return flow(**{**(entries[name].get("parameters") or {}), **parameters})


def _is_not_told_at_the_end(record: logging.LogRecord) -> bool:
    """Prefect logs an error with its traceback; one of ours says what to do, as the last lines of the run."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, StorehouseError)


def _parameters(words: Sequence[str]) -> dict[str, Any]:
    parameters = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise ConfigError(f"{word!r} is no parameter.", "Write parameters as name=value.")
        try:
            parameters[name] = json.loads(text)
        except ValueError:
            parameters[name] = text
    return parameters


def _show(release: object) -> None:
    """What became of each target, and which rows of a source were held back."""
    if release is None:
        print("Nothing was released.")
        return
    if not isinstance(release, Release):
        print("The run went well.")
        return
    told = [(o.name, _counts(o, _HELD_BACK)) for o in release.outcomes if o.role == "source"]
    told = [(name, counts) for name, counts in told if counts]
    told += [(o.name, _counts(o, _DONE) or "no rows") for o in release.outcomes if o.role != "source"]
    width = max((len(name) for name, _ in told), default=0)
    for name, counts in told:
        print(f"  {name:<{width}}  {counts}")
    print(f"Quality score {release.score_pct:.1f} %.")


def _counts(outcome: TableOutcome, names: Sequence[str]) -> str:
    return ", ".join(f"{getattr(outcome, name):,} {name}" for name in names if getattr(outcome, name))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
