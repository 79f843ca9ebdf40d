"""What cannot be read from an API is refused where it is declared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from etl.catalog import RestApi, SourceSystem, SourceTable
from etl.catalog_files import load_catalog
from etl.errors import ConfigError
from etl.settings import PROJECT_DIR
from tests.sources.api import table_of

COLUMNS = {"id": "bigint", "moved_at": "timestamp", "day": "date"}
WINDOWED = {"path": "/x", "low_param": "since", "high_param": "until"}


@pytest.mark.parametrize(
    ("endpoint", "rest", "said"),
    [
        ({"path": "/x"}, {"cursor": "moved_at"}, "declare 'lag_seconds'"),
        (WINDOWED, {}, "need a 'cursor'"),
        ({"path": "/x"}, {"cursor": "id", "lag_seconds": 0}, "must be a timestamp or a date"),
        (
            {"path": "/x"},
            {"cursor": "id", "cursor_kind": "integer", "lag_seconds": 0},
            "must be a timestamp or a date",
        ),
        (
            {"path": "/x"},
            {
                "cursor": "moved_at",
                "lag_seconds": 0,
                "null_cursor": "coalesce",
                "null_cursor_fallback": "day",
            },
            "and its fallback",
        ),
        ({"path": "/x"}, {"deletes": "compare"}, "APIs tell of no keys"),
        ({"path": "/x?y=1"}, {}, "path"),
        ({"path": "/x", "total": ["n"], "total_header": "X-Total"}, {}, "not both"),
        ({"path": "/x", "pagination": {"kind": "page", "ends_with_404": True}}, {}, "any 404 would end"),
        ({"path": "/x", "split_days": 1}, {}, "'split_days' needs"),
        ({"path": "/x", "pagination": {"kind": "cursor", "next": []}}, {}, "next"),
    ],
)
def test_an_endpoint_that_cannot_be(endpoint: dict[str, Any], rest: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        table_of(COLUMNS, endpoint, **rest)


def test_fields_of_a_parent_need_a_list_that_is_exploded() -> None:
    columns = {**COLUMNS, "parent_id": {"type": "bigint", "of_parent": True}}
    with pytest.raises(ValidationError, match="'of_parent' needs an endpoint with 'explode'"):
        table_of(columns, {"path": "/x"})
    assert table_of(columns, {"path": "/x", "explode": ["items"]})


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"Authorization": "Bearer x"}, "declare 'auth'"),
        ({"cookie": "x"}, "declare 'auth'"),
        ({"X-A": "two\nlines"}, "plain ASCII"),
        ({"X A": "x"}, "letters and hyphens"),
    ],
)
def test_headers_hold_no_credentials_and_no_lines(header: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RestApi(headers=header)


def test_a_token_url_is_one() -> None:
    for url in ("example.org/token", "https://a:b@example.org/token", "https://example.org/token?secret=x"):
        with pytest.raises(ValidationError, match="token_url"):
            RestApi.model_validate({"auth": {"kind": "oauth2", "token_url": url}})


@pytest.mark.parametrize("kind", ["database", "rest", "files"])
def test_a_table_stands_in_a_source_of_its_kind(tmp_path: Path, kind: str) -> None:
    table: dict[str, Any] = {"description": "x", "key": ["id"], "columns": {"id": {"type": "bigint"}}}
    ways: dict[str, dict[str, Any]] = {
        "table": {"table": "x"},
        "query": {"query": "select 1 as id"},
        "endpoint": {"endpoint": {"path": "/x"}},
        "files": {"files": {"pattern": "x.csv", "format": {"kind": "csv"}}},
    }
    fits = {"database": {"table", "query"}, "rest": {"endpoint"}, "files": {"files"}}[kind]
    for way, where in ways.items():
        for path, content in (
            ("sources/crm.yaml", {"description": "x", "kind": kind}),
            ("tables/crm/things.yaml", {**table, **where}),
        ):
            file = tmp_path / way / path
            file.parent.mkdir(parents=True)
            file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        if way in fits:
            assert load_catalog(tmp_path / way).tables
            continue
        with pytest.raises(ConfigError) as caught:
            load_catalog(tmp_path / way)
        lines = file.read_text(encoding="utf-8").splitlines()
        line = 1 + next(at for at, text in enumerate(lines) if text.startswith(way))
        assert f"crm/things.yaml:{line}: {way}: the source crm is of 'kind: {kind}'" in caught.value.problem
        assert "correct 'kind' in sources/crm.yaml" in caught.value.problem


def test_the_examples_of_the_documentation_can_be_declared() -> None:
    text = (PROJECT_DIR / "docs" / "rest.md").read_text(encoding="utf-8")
    source, *tables = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL))
    assert SourceSystem.model_validate({"name": "tills", **source}).rest
    for table in tables:
        assert SourceTable.model_validate(
            {"name": "x", "source": "tills", "description": "x", **table}
        ).endpoint
    assert len(tables) == 2
