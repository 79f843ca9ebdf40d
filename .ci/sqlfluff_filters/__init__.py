"""What sqlfluff fills our templates with: it looks at the shape, so any name of the right kind will do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any


def _ident(*names: Any) -> str:
    return ".".join(str(name) for name in names)


def _idents(names: Iterable[Any], alias: str = "", prefix: str = "") -> str:
    dot = f"{alias}." if alias else ""
    return ", ".join(f"{dot}{prefix}{name}" for name in names)


def _equal(names: Iterable[Any], left: str, right: str) -> str:
    return " and ".join(f"{left}.{name} = {right}.{name}" for name in names)


def _literal(text: Any) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def _type(column_type: Any) -> str:
    return "bigint" if column_type == "bigint" else "varchar(255)"


def _json_member(name: Any, document: str) -> str:
    return f"json_extract({document}, '$.{name}')"


def _json_text(document: str, name: Any) -> str:
    return f"cast(json_unquote({_json_member(name, document)}) as char)"


def _shown(alias: str) -> str:
    return f"{alias}.column_type"


class _Column(str):
    """A name or a type, or what is declared of a column, as the template wants it."""

    name = type = "text_3"
    column_type = "text"
    description = "What it is"
    is_required = False


class _Table(str):
    """The name of a table that a column refers to, or what is known of it."""

    name = relation = "dim_group"
    surrogate = "group_key"
    type = "bigint"


SQLFLUFF_JINJA_FILTERS = {
    "ident": _ident,
    "idents": _idents,
    "equal": _equal,
    "literal": _literal,
    "type": _type,
    "key_type": _type,
    "shown": _shown,
    "temporary": _ident,
    "by_length": sorted,
    "quoted": lambda name: f'"{name}"',
    "json_member": _json_member,
    "json_text": _json_text,
    "business_day": lambda sql: f"cast({sql} as date)",
    "business_instant": lambda sql: f"cast({sql} as datetime)",
}

# Names that all templates have.
prefix = "dw_"
collation = "utf8mb4_bin"

# Names that templates are given as one name.
staging = schema = "staging_1"
fact = target = "fact_sales"
row_id = "sale_id"
at = latest_by = "item_name"
gone = "gone_items"
run_id = "run_1"
is_gone = "false"
relation = "stg_shop__items"
parent_relation = "stg_shop__orders"
keys_relation = "stg_shop__items__keys"
entity = "item"
dimension = "dim_item"
surrogate = "item_key"
affected = "affected_item"
removed = "removed_item"
told = "told_item"
novel = "novel_item"
versions = "versions_item"
rows = "rows_sales"
places = [("warehouse", "dim_group"), ("staging_run", "stg_item")]
column = "group_key"
attribute = "item_group"
type = "text"
other = _Table("dim_group")
cursor_kind = "timestamp"
other_surrogate = "group_key"
other_affected = "affected_group"
other_removed = "removed_group"
other_key = "group_name"

# Names that templates are given as a list, or with a type or another name each.
key = {"item_id": "item_number"}
grain = ["item_id"]
required = ["item_id"]
keys = {"order_id": "order_number"}
columns = {"item_name": _Column("text_1"), "item_group": _Column("text_2")}
attributes = {"item_name": "text", "item_group": "text"}
measures = ["quantity", "amount"]
texts = ["item_name", "item_group"]
snowflakes = ["group_key"]
identity = ["item_id"]
written = complete_by = ["item_name", "item_group"]
references = {"group_key": other}
dates = {"date_key": "item_name"}
there = held_back = ["stg_shop__items"]
sources = [{"relation": relation, "is_gone": "false", "absent": ["item_name"]}]
derived = ["item_name", "item_group"]
groups = [["first_name", "last_name"], ["item_name", "item_group"]]
type_0, type_1, type_2, type_3 = ["first_name"], ["last_name"], ["item_name"], ["item_group"]

# Expressions, whole queries and choices between branches.
effective_column = "item_at"
sequence_column = "item_sequence"
operation = "'upsert'"
named = "select 1 as item_id"
mode = "snapshot"
change = "refer"
at_type = "timestamp"
description = "What it is"
adds_only = keeps_newer = existence = carry = compares_cursor = is_line = True

# What staging is given: columns with their types.
grain_types = {"item_id": "bigint"}
types = defaultdict(lambda: "text", {**grain_types, "order_id": "bigint"})
indexes, indexed = [grain_types], ["item_id"]
staged = {
    **grain_types,
    **dict.fromkeys(["item_name", "item_group", "paid_in", "group_key", "order_id"], "text"),
    **{"quantity": "integer", "amount": "decimal(12,2)", "changed_at": "timestamp", "document": "json"},
}
absent = {"shop.items": ["item_name"]}

# What whole-table steps are given.
other_relation = "stg_crm__people"
into, currency, kind, method = "is_far", "paid_in", "double", "iqr"
expression = "item_id + 1"
at_is_instant = True
by = match = similar = compared = fillable = ["item_name", "item_group"]
made = ["made_name", "made_group"]
order = [("item_name", True, "desc"), ("item_group", False, "asc")]
rate = {"into": "rate_used", "unit": "0.01", "halves": "200", "limit": "1000"}
rate |= {"precision": 12, "scale": 2, "source_scale": 4}
amounts = {"amount": {**rate, "into": "amount_usd"}}

# What a reconciliation is given.
has_cursor = False
decides = "always"
aside, joined, ranges, whole, present = "_aside_1", "_joined_1", "_ranges_1", "_whole_1", "_present_1"
like, narrowed = dimension, "_narrowed_1"
key_types, declared = {"item_id": "bigint"}, {"item_name": "text"}
deleted_when = "is_removed"
sides = {"source": "_source_1", "target": "_target_1"}
asides = {"shop.orders": aside}
key_parts, numbers = ["item_id"], ["amount"]
staged_key = {"item_id": {"name": "item_number", "type": "bigint"}}
row_key = {"item_id": "bigint"}
instant_column, sequence_column = "sold_at", "place"
days = {"date_key": {"column": "sold_at", "type": "timestamp"}}
looked_up = {"item_key": {"relation": dimension, "surrogate": surrogate, "columns": staged_key}}
select_source = "select 1 as item_id, 2 as amount, 'a' as item_name, 'b' as item_group"
select_target = f"{select_source}, true as _source_decides"

_lookup = {
    "dimension": entity,
    "relation": dimension,
    "surrogate": surrogate,
    "columns": key,
    "carries": ["unit_cost"],
    "removed": "staging_1.removed_item",
    "named_in": "staging_1.stg_shop__items",
    "if_null": -1,
}
found = _lookup
dimensions = [other]
seen = {
    "entity": entity,
    "schema": "replica",
    "relation": relation,
    "holds": "true",
    "key": {"item_id": "item_number"},
}
lookups = repoints = {"customer_key": _lookup, "product_key": _lookup, "store_key": _lookup}

# What the quarantine is given.
json_columns = ["item_name"]
fitted = [{"name": "item_name", "type": "decimal(12,2)", "limit": "10000000000", "scale": 2}]
table = child_table = "shop.items"
parent_table = "shop.orders"
parent = {"relation": parent_relation, "keys": keys}
parts = [{"child": child_table, "parent": parent_table, "keys": keys}]
unfinished = ["shop.items"]
named_in = {table: {"item_id": "item_number"}}
file_columns = {table: "item_name"}
is_latest = has_latest = is_replay = True

# What lets children follow their parents.
null_of = {"order_id": "null::bigint"}

# What a profile is given.
holds_email = "@"
value = "s.item_name"
is_text = is_number = is_measured = shows_values = True
forms, quantiles = ["^[0-9]+$"], [0.5]
