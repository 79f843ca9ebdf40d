"""Reads ``catalog/**/*.yaml`` into a :class:`etl.catalog.Catalog`, or says where it is wrong."""

from __future__ import annotations

import difflib
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from etl.catalog import Alerts, Attribute, Catalog, Column, Dimension, Fact, Model, SourceSystem, SourceTable
from etl.catalog.checks import target_problems
from etl.catalog.step_checks import join_problems, table_problems
from etl.errors import ConfigError
from etl.yaml_nodes import compose, value_of

ModelT = TypeVar("ModelT", bound=Model)


@lru_cache(maxsize=8)
def load_catalog(folder: Path) -> Catalog:
    """All declarations below ``folder``, read once per process; see :func:`read_catalog`."""
    return read_catalog(folder)


def read_catalog(folder: Path) -> Catalog:
    """Read and cross-check all declarations below ``folder``, as the files are now.

    Raises:
        ConfigError: A file cannot be read as YAML, a field is unknown or wrong, or a declaration
            names something that is not declared; names file, line, field and remedy.
    """
    if not folder.is_dir():
        raise ConfigError(
            f"The catalog folder {folder} does not exist.",
            "Set ETL_CATALOG_DIR to the folder with the catalog.",
        )
    tables = {}
    for path in sorted(folder.glob("tables/*/*.yaml")):
        table = _read(path, SourceTable, source=path.parent.name)
        tables[table.qualified_name] = table
    routes = folder / "alerts.yaml"
    catalog = Catalog(
        sources={p.stem: _read(p, SourceSystem) for p in sorted(folder.glob("sources/*.yaml"))},
        tables=tables,
        dimensions={p.stem: _read(p, Dimension) for p in sorted(folder.glob("dimensions/*.yaml"))},
        facts={p.stem: _read(p, Fact) for p in sorted(folder.glob("facts/*.yaml"))},
        alerts=_read(routes, Alerts) if routes.is_file() else Alerts(),
    )
    _check_references(catalog, folder)
    return catalog


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the catalog files for editors: one definition per kind of file."""
    kinds: dict[str, type[Model]] = {
        "source": SourceSystem,
        "table": SourceTable,
        "dimension": Dimension,
        "fact": Fact,
        "alerts": Alerts,
    }
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "anyOf": [],
        "$defs": {},
    }
    for kind, model in kinds.items():
        part = model.model_json_schema(ref_template="#/$defs/{model}")
        schema["$defs"].update(part.pop("$defs", {}))
        for implied in ("name", *(["source"] if kind == "table" else [])):
            part["properties"].pop(implied, None)
        schema["$defs"][kind] = part
        schema["anyOf"].append({"$ref": f"#/$defs/{kind}"})
    return schema


def _read(path: Path, model: type[ModelT], **implied: str) -> ModelT:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is not UTF-8: {error.reason} at byte {error.start}.", "Save it as UTF-8."
        ) from None
    try:
        node = compose(text)
        content = value_of(node)
    except yaml.YAMLError as error:
        raise ConfigError(
            f"{path} is not valid YAML: {error}.", "Correct the file at the place named."
        ) from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds no mapping of fields.", "Start from one of the files beside it.")
    try:
        found = model.model_validate({**content, "name": path.stem, **implied})
        wrong = "\n".join(_table_problems(path, node, found))
    except ValidationError as error:
        wrong = _explain(path, node, model, error)
    if wrong:
        raise ConfigError(wrong, "Correct the catalog file; catalog/schema.json describes each field.")
    return found


def _table_problems(path: Path, node: yaml.Node | None, declared: Model) -> list[str]:
    if not isinstance(declared, SourceTable):
        return []
    return [_told(path, node, place, message) for place, message in table_problems(declared)]


def _explain(path: Path, node: yaml.Node | None, model: type[BaseModel], error: ValidationError) -> str:
    lines = []
    for item in error.errors():
        place = [str(part) for part in item["loc"]]
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            near = difflib.get_close_matches(place[-1], _field_names(model), n=1)
            message = "is not a field" + (f"; did you mean '{near[0]}'?" if near else "")
        lines.append(_told(path, node, item["loc"], message))
    return "\n".join(lines)


def _told(path: Path, node: yaml.Node | None, location: tuple[int | str, ...], message: str) -> str:
    place = ".".join(str(part) for part in location)
    return f"{path}:{_line_of(node, location)}: {place or 'the file'}: {message}"


def _line_of(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    """Line of the deepest node on the way to ``location``; parts that stand for a model's tag are skipped."""
    line = 1 if node is None else node.start_mark.line + 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                continue
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _field_names(model: type[BaseModel]) -> list[str]:
    nested: list[type[BaseModel]] = [model, Column, Attribute]
    return sorted({name for kind in nested for name in kind.model_fields})


def _check_references(catalog: Catalog, folder: Path) -> None:
    wrong: list[str] = []
    for table in catalog.tables.values():
        where = f"{folder}/tables/{table.source}/{table.name}.yaml"
        if table.source not in catalog.sources:
            wrong.append(f"{where}: there is no {folder}/sources/{table.source}.yaml")
        else:
            wrong += _kind_problems(catalog.sources[table.source], table, Path(where))
        if table.parent and table.parent.table not in catalog.tables:
            wrong.append(f"{where}: parent.table: {table.parent.table} is not a table of the catalog")
        wrong += [f"{where}: {problem}" for problem in join_problems(catalog.tables, table)]
    for dimension in catalog.dimensions.values():
        wrong += _event_problems(catalog, dimension, f"{folder}/dimensions/{dimension.name}.yaml")
    wrong += target_problems(catalog, folder)
    if wrong:
        raise ConfigError("\n".join(wrong), "Correct the name, or declare what it names.")


def _kind_problems(source: SourceSystem, table: SourceTable, path: Path) -> list[str]:
    """A table is declared as the kind of its source is read."""
    fields = {"database": ("table", "query"), "rest": ("endpoint",), "files": ("files",)}
    declared = next(f for f in ("table", "query", "endpoint", "files") if getattr(table, f) is not None)
    wanted = fields[source.kind]
    if declared in wanted:
        return []
    node = compose(path.read_text(encoding="utf-8"))
    message = (
        f"the source {source.name} is of 'kind: {source.kind}', whose tables are declared with"
        f" {' or '.join(map(repr, wanted))}: do so, or correct 'kind' in sources/{source.name}.yaml"
    )
    return [_told(path, node, (declared,), message)]


def _event_problems(catalog: Catalog, dimension: Dimension, where: str) -> list[str]:
    wrong = []
    for event in dimension.events:
        table = catalog.tables.get(event.table)
        if table is None:
            wrong.append(f"{where}: events: {event.table} is not a table of the catalog")
            continue
        named = [*dimension.key, *event.columns.values(), *filter(None, (event.effective_at, event.sequence))]
        wrong += [
            f"{where}: events: {event.table} has no column {c}"
            for c in named
            if c not in table.staged_columns
        ]
    return wrong
