"""``python -m deployments up|down|status``: the local Prefect and the embedded PostgreSQL."""

from __future__ import annotations

import sys

from pydantic import SecretStr
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from deployments.apply import apply, declared_deployments
from deployments.services import WORK_POOL, LocalPrefect, analytics_service, local_prefect
from etl.embedded import EMBEDDED_SOURCES, EmbeddedServer, embedded_url, stop_embedded, warehouse_url
from etl.errors import StorehouseError
from etl.settings import get_settings

USAGE = "usage: python -m deployments up|down|status"


def main(arguments: list[str]) -> int:
    """Do what the one argument says; the exit code."""
    commands = {"up": up, "down": down, "status": status}
    if len(arguments) != 1 or arguments[0] not in commands:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        commands[arguments[0]](local_prefect())
    except StorehouseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def up(prefect: LocalPrefect) -> None:
    """Start databases, server, worker and watcher, deploy everything, and say where to look."""
    prefect.start_server()
    settings = get_settings()
    warehouse_url(settings)
    if settings.shop_url is None:
        for source in EMBEDDED_SOURCES:
            embedded_url(source, settings)
    _say("databases", "ready")
    _say_analytics()
    api_url = prefect.ensure_server()
    _say("server", api_url.removesuffix("/api"))
    deployed = apply()
    prefect.start_worker(api_url)
    _say("worker", f"of work pool '{WORK_POOL}', log in {prefect.worker.log}")
    prefect.start_watcher(api_url)
    _say("watcher", f"of files that arrive, log in {prefect.watcher.log}")
    for sentence in deployed:
        _say("deployed", sentence)
    scheduled = [name for name, entry in declared_deployments().items() if entry.get("schedules")]
    for name in scheduled:
        _say("run it", f".venv/bin/prefect deployment run {name} --watch")
    _say("run any", f"{api_url.removesuffix('/api')}/deployments, with a form for its parameters")


def down(prefect: LocalPrefect) -> None:
    """Stop watcher, worker, server, the demo's web analytics and embedded PostgreSQL."""
    stopped = prefect.stop()
    if analytics_service(get_settings()).stop():
        stopped.append("web analytics of the demo")
    if stop_embedded(get_settings()):
        stopped.append("embedded PostgreSQL")
    print(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")


def status(prefect: LocalPrefect) -> None:
    """Say what runs."""
    _say("server", prefect.api_url or "not running")
    _say("worker", f"running, log in {prefect.worker.log}" if prefect.worker.running() else "not running")
    _say("watcher", f"running, log in {prefect.watcher.log}" if prefect.watcher.running() else "not running")
    _say_analytics()
    settings = get_settings()
    is_running = EmbeddedServer(settings.state_dir / "postgresql").is_ready()
    embedded = f"the embedded PostgreSQL, which is {'running' if is_running else 'not running'}"
    _say("warehouse", _told_by(settings.warehouse_url, "ETL_WAREHOUSE_URL") or embedded)
    _say("shop", _told_by(settings.shop_url, "ETL_SHOP_URL") or embedded)


def _told_by(url: SecretStr | None, variable: str) -> str | None:
    """A database as its variable names it, without account, password and options."""
    if url is None:
        return None
    try:
        named = make_url(url.get_secret_value())
    except (ArgumentError, ValueError):  # the latter of a port that is no number
        return f"{variable} holds no URL"
    place = URL.create(named.drivername, host=named.host, port=named.port, database=named.database)
    return f"{place.render_as_string()}, by {variable}"


def _say_analytics() -> None:
    analytics = analytics_service(get_settings())
    if analytics.running():
        _say("analytics", f"of the demo's shop, running, log in {analytics.log}")


def _say(what: str, how: str) -> None:
    print(f"  {what:<11} {how}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
