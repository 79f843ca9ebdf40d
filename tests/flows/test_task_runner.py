"""Where tasks run, by themselves."""

from __future__ import annotations

from typing import cast
from uuid import UUID

import pytest
from prefect import flow, task
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas import TaskRun
from prefect.exceptions import UnfinishedRun
from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_LEVEL, temporary_settings

from tasks.runner import task_runner


@task
def one_more(number: int) -> int:
    """One more."""
    if number < 0:
        raise ArithmeticError(number)
    return number + 1


@flow(task_runner=task_runner(), persist_result=False)
def two_more(number: int) -> int:
    """By a task that waits for another."""
    first = one_more.submit(number)
    second = one_more.submit(cast("int", first))
    return int(second.result())


def test_a_result_to_come_is_waited_for_and_the_server_is_not_asked_for_it(
    prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    read = SyncPrefectClient.read_task_run

    def read_and_note(client: SyncPrefectClient, task_run_id: UUID) -> TaskRun:
        asked.append(task_run_id)
        return read(client, task_run_id)

    monkeypatch.setattr(SyncPrefectClient, "read_task_run", read_and_note)
    with temporary_settings({PREFECT_API_URL: prefect_api, PREFECT_LOGGING_LEVEL: "CRITICAL"}):
        assert two_more(1) == 3
        with pytest.raises(UnfinishedRun):
            two_more(-1)
    assert asked == []
