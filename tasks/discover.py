"""Tasks that bring the catalog of a source up to date with its database."""

from __future__ import annotations

from prefect import get_run_logger, task

from etl.discovery import Discovery, Options, Selection, discover
from etl.errors import ConfigError
from etl.handles import Run
from expectations.suites import load_suites
from tasks import resources
from tasks.policy import RETRIED


@task(task_run_name="discover {source}", **RETRIED)
def discover_tables(source: str, include: list[str], exclude: list[str]) -> Discovery:
    """Declare tables that are new and follow those that changed (law X12).

    Raises:
        ConfigError: None of the tables is declared to be copied.
        ContractError: The source has another shape than tables with ``drift: freeze`` declare.
    """
    settings = resources.settings()
    found = discover(source, settings, Options(Selection(tuple(include), tuple(exclude))))
    load_suites(settings.suites_dir)
    resources.renew_catalog()
    _tell(found)
    if not found.tables:
        raise ConfigError(
            f"No table of '{source}' is declared to be copied.",
            f"Add 'replica: {{}}' to files in tables/{source} of the catalog, or remove them and run again.",
        )
    return found


@task(**RETRIED)
def keep_changes(found: Discovery, run: Run) -> None:
    """Record with the run how the catalog followed its source (law X12)."""
    for table in sorted(found.changes.keys() & set(found.tables)):
        resources.warehouse().keep_drifts(run, table, found.changes[table])


def _tell(found: Discovery) -> None:
    logger = get_run_logger()
    logger.info("%s: %s tables, %s files written", found.source, len(found.tables), len(found.written))
    for table, changes in found.changes.items():
        logger.info("%s: %s", table, "; ".join(changes))
    for table, flags in found.flags.items():
        logger.warning("%s: %s", table, "; ".join(flags))
