"""The embedded PostgreSQL starts where it can, stops, and says clearly what is wrong."""

from __future__ import annotations

import shlex
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from pydantic import SecretStr

from etl.catalog import SourceSystem
from etl.embedded import client_command, embedded_url, source_url, stop_embedded, warehouse_url
from etl.errors import ConfigError
from etl.settings import PROJECT_DIR, Settings
from tests.servers import temporary_folder


@pytest.fixture(
    params=["state", 'it\'s a "folder", née x', "long/" * 20 + "state"], ids=["plain", "quotes", "long"]
)
def state(request: pytest.FixtureRequest) -> Iterator[Settings]:
    with temporary_folder() as folder:
        settings = Settings(_env_file=None, state_dir=folder / str(request.param))
        yield settings
        stop_embedded(settings)


def test_it_starts_keeps_its_data_and_stops(state: Settings) -> None:
    url = embedded_url("warehouse", state)
    _execute(url, "create table kept (name text)", "insert into kept values ('É')")
    assert embedded_url("warehouse", state) == url, "a second call finds it running"
    assert stop_embedded(state)
    assert not stop_embedded(state)
    assert _execute(embedded_url("warehouse", state), "select lower(name) from kept") == [("é",)]


def test_the_client_command_works_as_printed(state: Settings) -> None:
    command = client_command(embedded_url("shop", state))
    done = subprocess.run(
        f"{command} --no-psqlrc --tuples-only --command 'select current_database()'",
        shell=True, cwd=PROJECT_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "shop", done.stderr


@pytest.mark.parametrize(
    ("url", "command"),
    [
        ("mysql://u:secret@h/dw", "mysql --host=h --port=3306 --user=u -p"),
        ("mariadb+mysqlconnector://u%40x:secret@h:3307/dw", "mysql --host=h --port=3307 --user=u@x -p"),
        ("mysql://u@/dw?unix_socket=/run/my.sock", "mysql --socket=/run/my.sock --user=u -p"),
    ],
)
def test_the_client_command_of_mysql_shows_no_password(url: str, command: str) -> None:
    assert client_command(url) == command


@pytest.mark.parametrize("scheme", ["mysql", "mysql+mysqlconnector", "mariadb", "mariadb+mysqlconnector"])
def test_a_warehouse_in_mysql_is_its_own_source_by_a_database_that_is_there(
    scheme: str, tmp_path: Path
) -> None:
    settings = Settings(_env_file=None, state_dir=tmp_path, warehouse_url=SecretStr(f"{scheme}://u:p@h/dw"))
    assert source_url(_system("warehouse", "warehouse_url"), settings) == f"{scheme}://u:p@h/dw_warehouse"


def test_it_is_safe_for_data_and_for_neighbours() -> None:
    with temporary_folder() as folder:
        settings = Settings(_env_file=None, state_dir=folder / "state")
        url = embedded_url("warehouse", settings)
        assert _execute(url, "select current_setting('fsync'), current_setting('listen_addresses')") == [
            ("on", "")
        ]
        assert stat.S_IMODE((settings.state_dir / "postgresql").stat().st_mode) == 0o700
        stop_embedded(settings)


def test_data_of_another_version_is_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "postgresql"
    data.mkdir()
    (data / "PG_VERSION").write_text("9\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="is of PostgreSQL 9"):
        embedded_url("warehouse", Settings(_env_file=None, state_dir=tmp_path))


def test_a_server_that_cannot_start_shows_what_its_log_says() -> None:
    with temporary_folder() as folder:
        settings = Settings(_env_file=None, state_dir=folder)
        embedded_url("warehouse", settings)
        stop_embedded(settings)
        (folder / "postgresql" / "postgresql.conf").write_text("no_such_setting = 1\n", encoding="utf-8")
        with pytest.raises(ConfigError, match="no_such_setting"):
            embedded_url("warehouse", settings)


def test_configured_urls_go_first() -> None:
    settings = Settings(
        _env_file=None, warehouse_url=SecretStr("postgresql://w"), shop_url=SecretStr("mysql://s")
    )
    assert warehouse_url(settings) == "postgresql://w"
    assert source_url(_system("shop", "shop_url"), settings) == "mysql://s"


@pytest.mark.parametrize(
    ("warehouse", "source"),
    [
        ("postgresql://h/dw", "postgresql://h/dw"),
        (
            "mysql+mysqlconnector://u:p%40@h:3307/dw?ssl_mode=required",
            "mysql+mysqlconnector://u:p%40@h:3307/dw_warehouse?ssl_mode=required",
        ),
        ("mysql+mysqlconnector://h/", "mysql+mysqlconnector://h/warehouse"),
        ("mysql+mysqlconnector://h", "mysql+mysqlconnector://h/warehouse"),
    ],
)
def test_the_warehouse_is_read_in_a_database_that_is_there(warehouse: str, source: str) -> None:
    """Of MySQL, the URL of a warehouse names no database, but how their names begin."""
    settings = Settings(_env_file=None, warehouse_url=SecretStr(warehouse))
    assert source_url(_system("warehouse", "warehouse_url"), settings) == source


def test_a_source_without_url_is_said_so() -> None:
    with pytest.raises(ConfigError, match="ETL_SHOP_URL is not set"):
        source_url(_system("branch", "shop_url"), Settings(_env_file=None, shop_url=None))
    with pytest.raises(ConfigError, match="ETL_BRANCH_URL is not set"):
        source_url(_system("branch", ""), Settings(_env_file=None))


def test_any_source_finds_its_url_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_TILL_URL", "mysql://till")
    assert source_url(_system("till", ""), Settings(_env_file=None)) == "mysql://till"


def test_a_url_may_stand_in_a_file_of_the_state_folder(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "till_url").write_text("mysql://till\n", encoding="utf-8")
    assert source_url(_system("till", ""), Settings(_env_file=None, state_dir=tmp_path)) == "mysql://till"


def test_the_client_command_never_shows_a_password() -> None:
    command = client_command("postgresql+psycopg2://me:hunter2@db.example:5433/warehouse?sslmode=require")
    assert "hunter2" not in command
    assert shlex.split(command)[1] == "postgresql://me@db.example:5433/warehouse?sslmode=require"


def _system(name: str, url_setting: str) -> SourceSystem:
    return SourceSystem(name=name, description="of the tests", url_setting=url_setting)


def _execute(url: str, *statements: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        rows = cursor.fetchall() if cursor.description else []
    connection.close()
    return rows
