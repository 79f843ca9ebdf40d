"""Makes the server's deployments and schedules equal to those of ``prefect.yaml``.

``python -m deployments.apply [process|docker|kubernetes]`` says what kind of pool runs them: the name of the
pool, and with it ``prefect.yaml``, stays the same. ``PREFECT_API_URL`` says where the server is.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from deployments.services import WORK_POOL
from etl.errors import ConfigError, StorehouseError
from etl.settings import PROJECT_DIR

PREFECT_YAML = PROJECT_DIR / "prefect.yaml"
POOLS = PROJECT_DIR / "deployments" / "pools"
PROCESS = "process"


def main(arguments: Sequence[str]) -> int:
    """Deploy to a pool of the named kind and say what was deployed; the exit code."""
    kinds = [PROCESS, *sorted(path.stem for path in POOLS.glob("*.json"))]
    if len(arguments) > 1 or not set(arguments) <= set(kinds):
        print(f"usage: python -m deployments.apply [{'|'.join(kinds)}]", file=sys.stderr)
        return 2
    try:
        print("\n".join(apply(*arguments)))
    except StorehouseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def apply(kind: str = PROCESS) -> list[str]:
    """Deploy everything of ``prefect.yaml`` and clear schedules and triggers that it no longer names.

    Prefect itself leaves them on the server when the file stops naming them. The server is
    the one that ``deployments.services.ensure_server`` left in the environment.

    Args:
        kind: Of the work pool: processes where a worker is, or what ``deployments/pools`` has a template for.

    Returns:
        One sentence per deployment.

    Raises:
        ConfigError: Prefect refused the file, or the server's pool is of another kind.
    """
    make_work_pool(kind)
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
        cwd=PROJECT_DIR,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        said = "\n    ".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise ConfigError(
            f"Prefect refused prefect.yaml:\n    {said}", "Correct prefect.yaml or the flow that it names."
        )
    return clear_undeclared(declared_deployments())


def declared_deployments(path: Path = PREFECT_YAML) -> dict[str, dict[str, Any]]:
    """The deployments of ``prefect.yaml`` by ``<flow>/<deployment>``."""
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))["deployments"]
    return {f"{flow_name(entry['entrypoint'])}/{entry['name']}": entry for entry in entries}


def flow_name(entrypoint: str) -> str:
    """The name that Prefect gives to a flow function unless it says otherwise: dashes for underscores."""
    return entrypoint.rpartition(":")[2].replace("_", "-")


def make_work_pool(kind: str = PROCESS) -> None:
    """Make the work pool of this project unless it exists; renew the template from which it makes its jobs.

    Raises:
        ConfigError: It exists and is of another kind.
    """
    # Not above: Prefect reads its settings when it is imported, and the server's address is set later.
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
    from prefect.exceptions import ObjectAlreadyExists

    with get_client(sync_client=True) as client:
        with suppress(ObjectAlreadyExists):
            client.create_work_pool(WorkPoolCreate(name=WORK_POOL, type=kind))
        pool = client.read_work_pool(WORK_POOL)
        if pool.type != kind:
            raise ConfigError(
                f"The work pool '{WORK_POOL}' is of the kind '{pool.type}', and '{kind}' is asked for.",
                f"Delete it with its deployments (prefect work-pool delete {WORK_POOL}), or ask for"
                f" '{pool.type}'.",
            )
        if template := job_template(kind):
            client.update_work_pool(WORK_POOL, WorkPoolUpdate(base_job_template=template))


def job_template(kind: str) -> dict[str, Any]:
    """How a pool of this kind makes a job of a run; empty where Prefect's own template serves."""
    path = POOLS / f"{kind}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def clear_undeclared(declared: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Remove from the server every schedule of our work pool, and every trigger, that is not declared."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import WorkPoolFilter, WorkPoolFilterName

    sentences = []
    with get_client(sync_client=True) as client:
        pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[WORK_POOL]))
        for deployment in client.read_deployments(work_pool_filter=pool):
            name = f"{client.read_flow(deployment.flow_id).name}/{deployment.name}"
            wanted = {entry["slug"] for entry in declared.get(name, {}).get("schedules") or ()}
            undeclared = [schedule for schedule in deployment.schedules if schedule.slug not in wanted]
            for schedule in undeclared:
                client.delete_deployment_schedule(deployment.id, schedule.id)
            if name not in declared:
                client.delete_resource_owned_automations(f"prefect.deployment.{deployment.id}")
            kept = len(deployment.schedules) - len(undeclared)
            cleared = f", {len(undeclared)} undeclared cleared" if undeclared else ""
            sentences.append(f"{name}: {kept} schedule{'' if kept == 1 else 's'}{cleared}")
    return sorted(sentences)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
