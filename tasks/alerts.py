"""Tells people what is wrong and when it is over; that this fails never fails a run."""

from __future__ import annotations

from prefect import get_run_logger

from etl.alerts import messages, send
from etl.catalog import Alerts
from etl.errors import ConfigError
from etl.incidents import OpenMatter, RunEnd
from etl.notify import notify
from tasks import resources


def alert(end: RunEnd) -> None:
    """Keep what a run showed of incidents, and tell those who do not know of it yet."""
    tell(end, note(end))


def note(end: RunEnd) -> bool:
    """Keep what a run showed of incidents, which its report then shows; False where that failed."""
    try:
        resources.warehouse().note_incidents(end)
    except Exception as error:  # an alert that fails must not fail the load that it tells about
        get_run_logger().warning("Incidents could not be kept: %s: %s", type(error).__name__, error)
        return False
    return True


def tell(end: RunEnd, is_kept: bool) -> None:
    """Tell those who do not know of it yet.

    Where the warehouse could not keep it, people are told all the same, each time.
    """
    try:
        _tell() if is_kept else _tell_unkept(end)
    except Exception as error:  # told by the next run; the load that it tells about has ended well
        get_run_logger().warning("Alerts wait for the next run: %s: %s", type(error).__name__, error)


def tell_success(pipeline: str, summary: str) -> None:
    """Tell those who want to know of each run that ended well."""
    routes = [r for r in _declared().routes if r.successes and r.is_for(pipeline)]
    try:
        for route in routes:
            urls = resources.settings().secret(route.urls)
            _log(notify(urls, f"{pipeline} succeeded", summary, "success", route.variable).answer)
    except Exception as error:  # a run that ended well must not fail for saying so
        get_run_logger().warning("A success could not be told: %s: %s", type(error).__name__, error)


def _tell() -> None:
    warehouse, settings = resources.warehouse(), resources.settings()
    with warehouse.telling() as matters:
        for message in messages(_declared(), matters):
            answer, sent = send(message, settings.secret)
            warehouse.keep_alerts(sent)
            _log(f"{message.title}: {answer}")


def _tell_unkept(end: RunEnd) -> None:
    seen = tuple(OpenMatter(0, incident, is_over=False) for incident in end.seen)
    for message in messages(_declared(), seen):
        _log(send(message, resources.settings().secret)[0])


def _declared() -> Alerts:
    """The declared routes; those without a file where the catalog itself is what is wrong."""
    try:
        return resources.catalog().alerts
    except ConfigError:
        return Alerts()


def _log(answer: str) -> None:
    get_run_logger().info("%s", answer)
