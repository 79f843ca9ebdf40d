"""Flows on work pools of other kinds: the server takes our templates and deploys everything to them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployments import services
from deployments.apply import POOLS, declared_deployments, job_template
from deployments.services import LocalPrefect
from etl.settings import PROJECT_DIR

KINDS = sorted(path.stem for path in POOLS.glob("*.json"))
IMAGE_FOLDER = "/opt/storehouse"


@pytest.fixture
def prefect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalPrefect]:
    """A server of the test's own."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setattr(services, "USUAL_PORT", 0)
    local = LocalPrefect(tmp_path / "prefect")
    local.ensure_server()
    yield local
    local.server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_deployed_to_a_pool_of_this_kind(kind: str, prefect: LocalPrefect) -> None:
    done = _command(prefect, "deployments.apply", kind)
    assert done.returncode == 0, done.stderr
    assert sorted(line.partition(":")[0] for line in done.stdout.splitlines()) == sorted(
        declared_deployments()
    )
    pool = json.loads(_command(prefect, "prefect", "work-pool", "inspect", "storehouse", "-o", "json").stdout)
    assert (pool["type"], pool["base_job_template"]) == (kind, job_template(kind))
    again = _command(prefect, "deployments.apply", "process")
    assert again.returncode == 1
    assert f"The work pool 'storehouse' is of the kind '{kind}', and 'process' is asked for." in again.stderr


def test_a_kind_that_is_none_is_refused_with_those_that_are(tmp_path: Path) -> None:
    done = _command(LocalPrefect(tmp_path), "deployments.apply", "steamship")
    assert done.returncode == 2
    assert "process|docker|kubernetes" in done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_template_uses_it_declares(kind: str) -> None:
    template = job_template(kind)
    used = set(re.findall(r"{{ (\w+) }}", json.dumps(template["job_configuration"])))
    assert used == set(template["variables"]["properties"])


def test_every_folder_that_a_flow_needs_is_in_the_image() -> None:
    image = (PROJECT_DIR / "deployments/Dockerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (\w+) \1$", image, re.MULTILINE)
    assert copied == ["catalog", "deployments", "etl", "expectations", "flows", "sql", "tasks"]
    assert f"WORKDIR {IMAGE_FOLDER}" in image


def test_all_that_work_for_a_run_share_the_state_folder() -> None:
    mounted = f"{IMAGE_FOLDER}/.storehouse"
    compose = yaml.safe_load((PROJECT_DIR / "deployments/compose.yaml").read_text(encoding="utf-8"))
    for name in ("worker", "dask-worker"):
        assert f"state:{mounted}" in compose["services"][name]["volumes"]
    assert (
        f"storehouse_state:{mounted}"
        in job_template("docker")["variables"]["properties"]["volumes"]["default"]
    )
    (job,) = _containers(job_template("kubernetes")["job_configuration"]["job_manifest"])
    for container in [job, *_containers(_kubernetes("Deployment", "dask-worker"))]:
        assert {"name": "state", "mountPath": mounted} in container["volumeMounts"]
        assert {"secretRef": {"name": "storehouse"}} in container["envFrom"]


def _containers(workload: dict[str, Any]) -> list[dict[str, Any]]:
    return list(workload["spec"]["template"]["spec"]["containers"])


def _kubernetes(kind: str, name: str) -> dict[str, Any]:
    text = (PROJECT_DIR / "deployments/kubernetes.yaml").read_text(encoding="utf-8")
    documents: list[dict[str, Any]] = list(yaml.safe_load_all(text))
    return next(d for d in documents if (d["kind"], d["metadata"]["name"]) == (kind, name))


def _command(prefect: LocalPrefect, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=PROJECT_DIR,
        env={**os.environ, **prefect.environment(prefect.api_url or "http://nowhere.example/api")},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
