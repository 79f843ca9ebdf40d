"""What README, CONTRIBUTING and docs name exists, and what must be named there is named."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.apply import declared_deployments
from etl.settings import PROJECT_DIR, Settings

DOCUMENTS = [
    PROJECT_DIR / "README.md",
    PROJECT_DIR / "CONTRIBUTING.md",
    *sorted(PROJECT_DIR.glob("docs/*.md")),
]
CODE_FOLDERS = ("catalog", "demo", "deployments", "etl", "expectations", "flows", "sql", "tasks", "tests")
CODE_SUFFIXES = {".py", ".sql", ".yaml"}
FILE_SUFFIXES = (".md", ".py", ".sql", ".yaml", ".toml", ".txt", ".json", ".png", ".example")
IS_MADE_BY_USE = re.compile(r"^\.(storehouse|venv|env$)|<|…|\*|crm|tills|^landing/?$|://")
# Files of the landing folder and of the report are named by what they hold; these are no files of ours.
EXAMPLES = {"mart_store_days.sql", "server.log", "worker.log", "watcher.log", "server.url"}
# Sources bring settings of their own; these two are the examples of the documents.
OF_A_SOURCE = re.compile(
    r"ETL_(CRM|DROP|RATES|TILLS)_(URLS?|TOKEN|USER|PASSWORD|API_KEY|CLIENT_ID|CLIENT_SECRET|CA_FILE)"
)
LAW = r"[RXSFQP]\d{1,2}"
EVERY_DOCUMENT = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


@EVERY_DOCUMENT
def test_every_make_target_exists(document: Path) -> None:
    makefile = (PROJECT_DIR / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"^\s*(?:\$ )?make ([a-z]+)", _blocks(document), re.MULTILINE))
    named |= {match for code in _spans(document) for match in re.findall(r"^make ([a-z]+)", code)}
    assert named - targets == set()


@EVERY_DOCUMENT
def test_every_file_and_folder_exists(document: Path) -> None:
    names = {path.name for folder in (*CODE_FOLDERS, "docs", ".ci") for path in _files(folder)}
    names |= {path.name for path in PROJECT_DIR.iterdir()}
    missing = []
    for named in _named_files(document):
        places = (PROJECT_DIR / named, document.parent / named)
        if not any(place.exists() for place in places) and ("/" in named or named not in names):
            missing.append(named)
    assert missing == []


@EVERY_DOCUMENT
def test_every_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@EVERY_DOCUMENT
def test_every_test_that_is_named_exists(document: Path) -> None:
    missing = []
    for file, test in re.findall(r"`([\w/]+\.py)::(\w+)`", document.read_text(encoding="utf-8")):
        if f"def {test}(" not in (PROJECT_DIR / file).read_text(encoding="utf-8"):
            missing.append(f"{file}::{test}")
    assert missing == []


@EVERY_DOCUMENT
def test_every_setting_that_is_named_exists(document: Path) -> None:
    of_tests = set(re.findall(r"ETL_TEST_[A-Z_]+", (PROJECT_DIR / "tests/conftest.py").read_text("utf-8")))
    named = set(re.findall(r"\bETL_[A-Z_]+[A-Z]\b", document.read_text(encoding="utf-8")))
    of_examples = {name for name in named if OF_A_SOURCE.fullmatch(name)}
    assert named - set(_variables()) - of_tests - of_examples == set()


@EVERY_DOCUMENT
def test_no_machine_is_named(document: Path) -> None:
    assert re.findall(r"(?<![\w.])/(?:root|home|tmp|work)/\S*", document.read_text(encoding="utf-8")) == []


@EVERY_DOCUMENT
def test_every_deployment_that_is_run_is_declared(document: Path) -> None:
    named = re.findall(r"prefect deployment run ([\w/-]+)", document.read_text(encoding="utf-8"))
    assert set(named) - set(declared_deployments()) == set()


def test_operations_list_every_deployment() -> None:
    text = (PROJECT_DIR / "docs/operations.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE))
    assert {name.partition("/")[2] for name in declared_deployments()} <= listed


def test_operations_say_every_setting_with_its_default() -> None:
    text = (PROJECT_DIR / "docs/operations.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", text, re.MULTILINE))
    assert set(rows) == set(_variables())
    for variable, field in _variables().items():
        default = Settings.model_fields[field].default
        if isinstance(default, int | str):
            assert rows[variable].strip("`") == str(default), variable


def test_the_example_lists_every_setting() -> None:
    listed = re.findall(r"^#([A-Z_]+)=", (PROJECT_DIR / ".env.example").read_text("utf-8"), re.MULTILINE)
    assert set(listed) == set(_variables())


def test_decisions_give_a_reason_for_every_dependency() -> None:
    project = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[<>=\[; ]", line, maxsplit=1)[0].lower() for line in required}
    text = (PROJECT_DIR / "docs/decisions.md").read_text(encoding="utf-8").lower()
    described = set(re.findall(r"[\w-]+", text.partition("## dimensions")[0]))
    assert names - described == set()


def test_decisions_list_no_dependency_that_is_gone() -> None:
    project = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = " ".join(project["dependencies"]).lower()
    text = (PROJECT_DIR / "docs/decisions.md").read_text(encoding="utf-8").lower()
    table = re.findall(r"^\| ([\w, -]+) \|", text.partition("## dimensions")[0], re.MULTILINE)
    named = {name for row in table for name in row.split(", ") if name != "package" and set(name) != {"-"}}
    assert {name for name in named if name not in required} == set()


def test_every_law_cited_stands_in_the_table() -> None:
    listed = re.findall(rf"^\| ({LAW}) \|", (PROJECT_DIR / "docs/laws.md").read_text("utf-8"), re.MULTILINE)
    cited = {
        law: path.relative_to(PROJECT_DIR).as_posix()
        for folder in CODE_FOLDERS
        for path in _files(folder)
        if path.suffix in CODE_SUFFIXES
        for sentence in re.findall(
            rf"\b[Ll]aws? ((?:{LAW}(?:, | and | to |\b))+)", path.read_text(encoding="utf-8")
        )
        for law in re.findall(LAW, sentence)
    }
    assert {law: file for law, file in cited.items() if law not in listed} == {}
    assert len(cited) > 40


def test_each_room_of_the_house_is_on_the_map() -> None:
    readme = (PROJECT_DIR / "README.md").read_text(encoding="utf-8")
    on_map = set(re.findall(r"^\| `(\w+)/", readme, re.MULTILINE))
    assert on_map == set(CODE_FOLDERS)


def test_every_document_is_reached_from_the_readme() -> None:
    readme = (PROJECT_DIR / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in DOCUMENTS[1:] if path.name not in readme] == []


@pytest.mark.parametrize("picture", sorted(PROJECT_DIR.glob("docs/images/*.png")), ids=lambda path: path.name)
def test_pictures_are_shown_and_small(picture: Path) -> None:
    assert picture.name in (PROJECT_DIR / "README.md").read_text(encoding="utf-8")
    assert picture.stat().st_size < 250_000


def _variables() -> dict[str, str]:
    """Variable of the environment -> field of the settings."""
    return {
        field.validation_alias if isinstance(field.validation_alias, str) else f"ETL_{name.upper()}": name
        for name, field in Settings.model_fields.items()
    }


def _named_files(document: Path) -> Iterator[str]:
    """What a reader takes for a file or folder of the project: in back quotes, with a known end."""
    for code in _spans(document):
        for word in code.removeprefix("pytest ").split():
            name = word.partition("::")[0].rstrip(",.")
            is_file = name.endswith(FILE_SUFFIXES) or re.fullmatch(r"[\w.]+(?:/[\w.-]+)*/", name)
            if is_file and not IS_MADE_BY_USE.search(name) and name not in EXAMPLES:
                yield name


def _spans(document: Path) -> list[str]:
    """Text in single back quotes."""
    text = re.sub(
        r"^ *```.*?^ *```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text)]


def _blocks(document: Path) -> str:
    """Text between fences."""
    blocks = re.findall(
        r"^ *```.*?\n(.*?)^ *```", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return "\n".join(blocks)


def _files(folder: str) -> Iterator[Path]:
    return (
        path
        for path in (PROJECT_DIR / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
