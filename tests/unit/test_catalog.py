"""The catalog says what is wrong with it: file, line, field and remedy; editors get its JSON Schema."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml

from etl.catalog_files import json_schema, load_catalog
from etl.errors import ConfigError
from etl.settings import PROJECT_DIR

CATALOG = PROJECT_DIR / "catalog"
KINDS = {
    "sources": "source",
    "tables": "table",
    "dimensions": "dimension",
    "facts": "fact",
    "alerts.yaml": "alerts",
}
FILES = sorted(CATALOG.glob("**/*.yaml"))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return shutil.copytree(CATALOG, tmp_path / "catalog")


def test_the_catalog_of_the_project_loads() -> None:
    catalog = load_catalog(CATALOG)
    tables_and_targets = len(catalog.tables) + len(catalog.dimensions) + len(catalog.facts)
    assert len(catalog.sources) + tables_and_targets + len(["alerts.yaml"]) == len(FILES)
    assert catalog.alerts.routes != ()


def test_parents_stand_before_their_children() -> None:
    order = load_catalog(CATALOG).parents_first()
    assert order.index("shop.orders") < order.index("shop.order_items")


@pytest.mark.parametrize(
    ("named", "together"),
    [
        pytest.param(["shop.orders"], ["shop.order_items", "shop.orders"], id="tables-that-a-fact-joins"),
        pytest.param(["shop.stores"], ["shop.stores"], id="alone"),
        pytest.param(["drop.stock_csv"], ["drop.stock_csv"], id="rows-of-a-fact-that-joins-nothing"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_what_cannot_be_loaded_alone_comes_together(named: list[str], together: list[str]) -> None:
    catalog = load_catalog(CATALOG)
    assert sorted(catalog.loaded_together(named)) == together
    for table in together:
        assert set(catalog.loaded_together([table])) <= set(together), "from whichever end it is named"
    without_facts = catalog.model_copy(update={"facts": {}})
    assert sorted(without_facts.loaded_together(named)) == together, "lines have their orders as parents"


def test_snowflaked_dimensions_stand_before_those_that_carry_them() -> None:
    order = [dimension.name for dimension in load_catalog(CATALOG).dimensions_in_order()]
    assert order.index("brand") < order.index("product")
    assert order.index("category") < order.index("product")


@pytest.mark.parametrize(
    ("file", "old", "new", "line_with", "says"),
    [
        pytest.param(
            "tables/shop/orders.yaml", "\ncursor: updated_at", "\ncusror: updated_at", "cusror:",
            "cusror: is not a field; did you mean 'cursor'?", id="misspelt-field",
        ),
        pytest.param(
            "tables/shop/orders.yaml", "bigint, nullable: false", "bigint, nulable: false", "order_id: {",
            "nulable: is not a field; did you mean 'nullable'?", id="misspelt-field-of-a-column",
        ),
        pytest.param(
            "tables/shop/orders.yaml", "{type: text, nullable: false, source_name: status}",
            "{type: varchar}", "order_status:", "columns.order_status.type", id="unknown-type",
        ),
        pytest.param(
            "tables/shop/orders.yaml", "key: [order_id]", "key: [order_no]", "description:",
            "key names order_no, which is not among the columns", id="key-that-is-no-column",
        ),
        pytest.param(
            "tables/shop/orders.yaml", "step: clean_text", "step: launder_text", "step: launder_text",
            "launder_text", id="unknown-step",
        ),
        pytest.param(
            "dimensions/customer.yaml", "segment: {type: text, scd: 3}", "segment: {type: text, scd: 4}",
            "customer_segment:", "attributes.customer_segment.scd", id="unknown-scd-type",
        ),
    ],
)  # fmt: skip
def test_errors_name_file_line_field_and_remedy(
    copy: Path, file: str, old: str, new: str, line_with: str, says: str
) -> None:
    path = copy / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    lines = path.read_text(encoding="utf-8").splitlines()
    line = next(number for number, content in enumerate(lines, 1) if line_with in content)
    with pytest.raises(ConfigError) as caught:
        load_catalog(copy)
    assert f"{path}:{line}: " in caught.value.problem
    assert says in caught.value.problem
    assert "catalog/schema.json" in caught.value.remedy


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            "tables/shop/order_items.yaml",
            "table: shop.orders",
            "table: shop.order",
            "shop.order is not a table of the catalog",
        ),
        (
            "dimensions/customer.yaml",
            "table: shop.customers",
            "table: shop.people",
            "shop.people is not a table of the catalog",
        ),
        (
            "dimensions/customer.yaml",
            "effective_at: updated_at",
            "effective_at: moved_at",
            "has no column moved_at",
        ),
    ],
)
def test_a_name_that_names_nothing(copy: Path, file: str, old: str, new: str, says: str) -> None:
    path = copy / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_catalog(copy)
    assert says in caught.value.problem
    assert str(path) in caught.value.problem
    assert caught.value.remedy


@pytest.mark.parametrize("content", ["columns: [unclosed", "- a list\n", ""])
def test_a_file_that_is_no_mapping(copy: Path, content: str) -> None:
    path = copy / "tables" / "shop" / "orders.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_catalog(copy)
    assert str(path) in caught.value.problem


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ETL_CATALOG_DIR"):
        load_catalog(tmp_path / "nowhere")


def test_the_exported_schema_is_up_to_date() -> None:
    exported = json.loads((CATALOG / "schema.json").read_text(encoding="utf-8"))
    assert exported == json.loads(json.dumps(json_schema())), "run 'make schema'"


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CATALOG)))
def test_the_schema_accepts_every_file(path: Path) -> None:
    _validator(path).validate(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CATALOG)))
def test_the_schema_refuses_an_unknown_field(path: Path) -> None:
    content = {**yaml.safe_load(path.read_text(encoding="utf-8")), "colour": "blue"}
    with pytest.raises(jsonschema.ValidationError, match="colour"):
        _validator(path).validate(content)


def _validator(path: Path) -> jsonschema.Draft202012Validator:
    schema = json_schema()
    kind = KINDS[path.relative_to(CATALOG).parts[0]]
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": schema["$defs"]})
