"""Dimensions, facts and replicas are held against the tables that feed them when the catalog is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.catalog.feeding import changed_relations
from etl.catalog_files import load_catalog
from etl.catalog_types import can_hold
from etl.errors import ConfigError
from etl.settings import PROJECT_DIR
from etl.warehouse.postgresql.types import catalog_type, shown_type

FILES = {
    "sources/s.yaml": "description: a source\n",
    "tables/s/items.yaml": """
description: items
table: items
key: [item_id]
cursor: updated_at
columns:
  item_id: {type: bigint, nullable: false}
  brand: {type: text}
  updated_at: {type: timestamp, nullable: false}
""",
    "tables/s/sheet.yaml": """
description: counts of a sheet
table: sheet
key: [item_id, counted_at]
columns:
  item_id: {type: integer, nullable: false}
  counted_at: {type: timestamp, nullable: false}
  quantity: {type: integer}
  exported_at: {type: timestamp, nullable: false}
""",
    "tables/s/copied.yaml": """
description: a copy
table: copied
key: [id]
columns: {id: {type: bigint, nullable: false}, note: {type: text, source_name: _note}}
replica: {}
""",
    "dimensions/item.yaml": """
description: items
key: {item_id: bigint}
events:
  - {table: s.items, effective_at: updated_at}
attributes:
  brand: {type: text, scd: 2}
""",
    "facts/counts.yaml": """
description: counts
grain: [item_id, counted_at]
tables: [s.sheet]
columns:
  item_id: {type: bigint}
  counted_at: {type: timestamp}
  on_hand: {type: integer, column: quantity}
  exported_at: {type: timestamp, nullable: false}
lookups:
  item_key: {dimension: item, key: {item_id: item_id}}
at: counted_at
dates: {date_key: counted_at}
latest_by: exported_at
""",
}
FACT, SHEET, COPY = "facts/counts.yaml", "tables/s/sheet.yaml", "tables/s/copied.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "catalog" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "catalog"


def test_a_fact_is_declared_without_any_sql(folder: Path) -> None:
    catalog = load_catalog(folder)
    assert catalog.facts["counts"].required == ("item_id", "counted_at", "exported_at")
    assert changed_relations(catalog, ["s.items"]) == {"warehouse.dim_item", "warehouse.fact_counts"}
    assert changed_relations(catalog, ["s.sheet"]) == {"warehouse.dim_item", "warehouse.fact_counts"}
    assert changed_relations(catalog, ["s.copied"]) == set()


def test_what_a_run_over_some_tables_of_the_shop_can_change() -> None:
    """A late product moves its sales; brands alone touch the products that lead to them, and no fact."""
    catalog = load_catalog(PROJECT_DIR / "catalog")
    assert changed_relations(catalog, ["shop.brands"]) == {"warehouse.dim_brand", "warehouse.dim_product"}
    dimensions, facts = ("brand", "category", "product"), ("sales", "inventory_snapshots", "page_views")
    products = {f"warehouse.dim_{name}" for name in dimensions} | {f"warehouse.fact_{name}" for name in facts}
    assert changed_relations(catalog, ["shop.products"]) == products


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (FACT, "column: quantity", "column: pieces", "columns.on_hand: s.sheet has no column pieces"),
        (
            FACT,
            "on_hand: {type: integer",
            "on_hand: {type: smallint",
            "columns.on_hand is smallint, which does not hold the integer of s.sheet",
        ),
        (
            FACT,
            "grain: [item_id, counted_at]",
            "grain: [item_id, counted]",
            "grain: counted is not among the fact's columns",
        ),
        (FACT, "at: counted_at\n", "at: seen_at\n", "at: seen_at is not among the fact's columns"),
        (FACT, "at: counted_at\n", "", "lookups need 'at'"),
        (FACT, "at: counted_at\n", "at: item_id\n", "must be a timestamp or a date"),
        (
            FACT,
            "dates: {date_key: counted_at}",
            "dates: {item_id: counted_at}",
            "columns: item_id is the name of a column that is made",
        ),
        (FACT, "latest_by: exported_at", "latest_by: exported", "latest_by: exported is not among"),
        (FACT, "latest_by: exported_at", "complete_by: [sheet]", "complete_by: sheet is not among"),
        (FACT, "dimension: item,", "dimension: items,", "lookups.item_key: items is not a dimension"),
        (
            FACT,
            "key: {item_id: item_id}",
            "key: {id: item_id}",
            "lookups.item_key: key names id, the dimension's key is item_id",
        ),
        (
            FACT,
            "key: {item_id: item_id}",
            "key: {item_id: counted_at}",
            "counted_at is timestamp, but item_id of the dimension is bigint",
        ),
        (
            FACT,
            "dimension: item,",
            "dimension: item, table: s.sheet,",
            "'table' and 'carries' are for a fact with SQL of its own",
        ),
        (FACT, "tables: [s.sheet]", "tables: [s.sheets]", "tables: s.sheets is not a table"),
        (
            FACT,
            "tables: [s.sheet]",
            "tables: [s.sheet, s.items]",
            "the table feeds the dimension item and the fact counts",
        ),
        (FACT, "tables: [s.sheet]", "tables: [s.copied]", "the table feeds the fact counts and its replica"),
        (
            FACT,
            "tables: [s.sheet]",
            "tables: [s.sheet, s.sheet]",
            "the table feeds the fact counts and the fact counts, but its rows count once",
        ),
        (
            "dimensions/item.yaml",
            "attributes:\n",
            "  - {table: s.items}\nattributes:\n",
            "the table feeds the dimension item and the dimension item, but its rows count once",
        ),
        (FACT, "grain: [item_id, counted_at]", "grain: [item_id]\nguard: {end_pct: 5}", None),
        (
            SHEET,
            "exported_at: {type: timestamp, nullable: false}",
            "exported_at: {type: timestamp}",
            "columns.exported_at is never NULL, but it may be in s.sheet: declare 'nullable: false' there",
        ),
        (SHEET, "table: sheet", "table: sheet\ndeletes: compare", None),
        (
            SHEET,
            "key: [item_id, counted_at]",
            "key: [item_id, exported_at]\ndeletes: compare",
            "s.sheet has 'deletes: compare', for which the key of the fact's only table must be",
        ),
        (
            SHEET,
            "quantity: {type: integer}",
            "_row: {type: text}\n  quantity: {type: integer}",
            "'_row' is a name of the project's own",
        ),
        *(
            (
                SHEET,
                "quantity: {type: integer}",
                f"{name}: {{type: text}}\n  quantity: {{type: integer}}",
                f"'{name}' is a name of the project's own",
            )
            for name in ("_zero_dates", "_source_text", "_fault_column", "_sheet")
        ),
        (COPY, "replica: {}", "replica: {}\nunique: [note]", "leave 'unique' out"),
        (COPY, "replica: {}", "replica: {whole_row: true}", "only a whole-row replica has none"),
        (COPY, "key: [id]", "key: []\ncursor: id\nreplica: {whole_row: true}", "takes no 'cursor'"),
        (COPY, "note: {", f"{'n' * 64}: {{", "of 64 bytes, but names have at most 63"),
        (
            "dimensions/item.yaml",
            "attributes:\n",
            "attributes:\n  source: {type: text, scd: 1}\n",
            "attributes.source: a column that every dimension has",
        ),
    ],
)
def test_what_does_not_fit_together_is_said_with_file_and_field(
    folder: Path, file: str, old: str, new: str, says: str | None
) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    text = text.replace(old, new, 1)
    path.write_text(
        text.replace("replica: {}\n", "") if text.count("replica:") > 1 else text, encoding="utf-8"
    )
    if says is None:
        load_catalog(folder)
        return
    with pytest.raises(ConfigError) as caught:
        load_catalog(folder)
    assert says in caught.value.problem
    assert ".yaml" in caught.value.problem
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("snowflake", "maker", "says"),
    [
        pytest.param("{dimension: maker, attribute: brand}", "{name: text}", None, id="fits"),
        pytest.param(
            "{dimension: makers, attribute: brand}",
            "{name: text}",
            "dimensions/item.yaml: snowflakes.brand_key: makers is not a dimension of the catalog",
            id="unknown-dimension",
        ),
        pytest.param(
            "{dimension: maker, attribute: label}",
            "{name: text}",
            "snowflakes.brand_key: label is no attribute and no key column of the dimension",
            id="unknown-attribute",
        ),
        pytest.param(
            "{dimension: maker, attribute: brand}",
            "{name: text, country: text}",
            "the key of maker is name, country, but one attribute is all",
            id="composite-key",
        ),
        pytest.param(
            "{dimension: item, attribute: brand}",
            "{name: text}",
            "snowflakes.brand_key: the way through item comes back to item",
            id="to-itself",
        ),
        pytest.param(
            "{dimension: maker, attribute: brand}",
            "{name: text}\nsnowflakes: {best_key: {dimension: item, attribute: best}}",
            "snowflakes.brand_key: the way through maker comes back to item",
            id="circle",
        ),
        pytest.param(
            "{dimension: maker, attribute: brand}",
            "{name: text}\nsnowflakes: {best_key: {dimension: maker, attribute: name}}",
            "dimensions/maker.yaml: snowflakes.best_key: the way through maker comes back to maker",
            id="circle-ahead",
        ),
        pytest.param(
            "{dimension: maker, attribute: item_id}",
            "{name: bigint}",
            None,
            id="by-the-key",
        ),
        pytest.param(
            "{dimension: maker, attribute: brand}",
            "{name: bigint}",
            "snowflakes.brand_key: brand is text, but name of maker is bigint",
            id="other-type",
        ),
        pytest.param(
            "{dimension: maker, attribute: item_id}",
            "{name: text}",
            "snowflakes.brand_key: item_id is bigint, but name of maker is text",
            id="number-for-text",
        ),
        pytest.param(
            "{dimension: maker, attribute: brand}\n  item_key: {dimension: maker, attribute: brand}",
            "{name: text}",
            "snowflakes.item_key: the dimension has a column of that name already",
            id="name-taken",
        ),
    ],
)
def test_a_snowflake_leads_by_one_attribute_and_never_back(
    folder: Path, snowflake: str, maker: str, says: str | None
) -> None:
    with (folder / "dimensions" / "item.yaml").open("a", encoding="utf-8") as file:
        file.write(f"snowflakes:\n  brand_key: {snowflake}\n")
    columns = (
        "{name: {type: text, nullable: false}, country: {type: text, nullable: false}, best: {type: bigint}}"
    )
    (folder / "tables" / "s" / "makers.yaml").write_text(
        f"description: makers\ntable: makers\nkey: [name]\ncolumns: {columns}\n", encoding="utf-8"
    )
    (folder / "dimensions" / "maker.yaml").write_text(
        f"description: makers\nkey: {maker}\nevents: [{{table: s.makers}}]\n"
        "attributes: {best: {type: bigint, scd: 1}}\n",
        encoding="utf-8",
    )
    if says is None:
        assert [d.name for d in load_catalog(folder).dimensions_in_order()] == ["maker", "item"]
        return
    with pytest.raises(ConfigError) as caught:
        load_catalog(folder)
    assert says in caught.value.problem


def test_without_latest_by_a_grain_has_one_row(folder: Path) -> None:
    path = folder / "facts" / "counts.yaml"
    text = path.read_text(encoding="utf-8").replace("latest_by: exported_at\n", "")
    path.write_text(text, encoding="utf-8")
    load_catalog(folder)
    path.write_text(text.replace("grain: [item_id, counted_at]", "grain: [item_id]"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"latest_by: several rows of s\.sheet can have one grain"):
        load_catalog.__wrapped__(folder)


@pytest.mark.parametrize(
    ("wide", "narrow", "holds"),
    [
        ("bigint", "integer", True),
        ("integer", "bigint", False),
        ("decimal(12,2)", "integer", True),
        ("decimal(11,2)", "integer", False),
        ("decimal(12,3)", "decimal(11,2)", True),
        ("decimal(12,3)", "decimal(12,2)", False),
        ("bigint", "decimal(18,0)", True),
        ("bigint", "decimal(19,0)", False),
        ("double", "integer", True),
        ("double", "bigint", False),
        ("text", "json", True),
        ("text", "bytes", False),
        ("timestamp", "date", False),
        ("decimal(5, 2)", "decimal(5,2)", True),
    ],
)
def test_a_type_holds_another_when_no_value_changes(wide: str, narrow: str, holds: bool) -> None:
    assert can_hold(wide, narrow) is holds


@pytest.mark.parametrize("column_type", ["bigint", "timestamp", "time", "json", "decimal(10,2)", "bytes"])
def test_a_type_is_known_as_the_database_shows_it(column_type: str) -> None:
    assert catalog_type(shown_type(column_type)) == column_type
