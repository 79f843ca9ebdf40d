"""``python -m etl.quarantine list | show | discard | replay``: looks at rows that wait, and settles them.

A row with its values, personal ones included, is shown by ``show`` to the person at the terminal;
nothing else prints or logs one (law P2).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from etl.catalog_files import load_catalog
from etl.embedded import warehouse_url
from etl.errors import ConfigError, StorehouseError
from etl.held_back import Selection
from etl.quarantine.telling import command_of, entry_lines, group_lines, row_lines
from etl.settings import get_settings
from etl.warehouse import Warehouse, open_warehouse


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was asked; the exit code says whether it went well."""
    given = _parser().parse_args(arguments)
    try:
        for line in _answer(given):
            print(line)
    except StorehouseError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # somebody has seen enough
        sys.stderr.close()
    return 0


def _answer(given: argparse.Namespace) -> list[str]:
    if given.command == "replay":
        return _replay(given)
    settings = get_settings()
    catalog = load_catalog(settings.catalog_dir)
    warehouse = open_warehouse(warehouse_url(settings), settings, catalog)
    warehouse.migrate()
    if given.command == "show":
        return _show(warehouse, given.id)
    selection = _selection(given)
    if unknown := [name for name in selection.tables if name not in catalog.tables]:
        raise ConfigError(
            f"The catalog declares no table {', '.join(unknown)}.", "Name tables as 'list' shows them."
        )
    return _list(warehouse, selection, given) if given.command == "list" else _discard(warehouse, given)


def _list(warehouse: Warehouse, selection: Selection, given: argparse.Namespace) -> list[str]:
    groups = warehouse.held_back_groups(selection)
    if not groups:
        return ["Nothing waits in quarantine that these filters let through."]
    rows = warehouse.held_back_rows(selection, given.limit + 1)
    lines = [*group_lines(groups), "", *row_lines(rows[: given.limit])]
    if len(rows) > given.limit:
        lines += [f"... and more: raise --limit (now {given.limit}), or filter."]
    return lines


def _show(warehouse: Warehouse, entry_id: int) -> list[str]:
    entry = warehouse.held_back_row(entry_id)
    if entry is None:
        raise ConfigError(
            f"There is no quarantined row {entry_id}.",
            "'list' shows the numbers of those that wait; settled ones are forgotten after"
            " ETL_KEEP_AUDIT_DAYS.",
        )
    return entry_lines(entry)


def _discard(warehouse: Warehouse, given: argparse.Namespace) -> list[str]:
    selection, reason = _selection(given), given.reason.strip()
    selection.require_meant()
    if not reason:
        raise ConfigError("The reason is empty.", "Say why these rows are not wanted; it is kept with them.")
    if not (count := warehouse.discard(selection, reason)):
        raise ConfigError(
            "Nothing was discarded: no row waits in quarantine that these filters let through.",
            f"'list' shows what waits; rows wait for the rules {_waited_for(warehouse)}.",
        )
    return [f"{count} rows discarded."]


def _waited_for(warehouse: Warehouse) -> str:
    return ", ".join(rule for rule, count in warehouse.held_back_rules().items() if count) or "(none)"


def _replay(given: argparse.Namespace) -> list[str]:
    selection = _selection(given)
    selection.require_meant()
    if selection.older_than_days:
        raise ConfigError("A replay knows no --age.", "Name tables, rules, runs, keys or entries.")
    return command_of(selection, given.from_source)


def _selection(given: argparse.Namespace) -> Selection:
    return Selection(
        tables=tuple(given.table),
        rules=tuple(given.rule),
        runs=tuple(given.run),
        keys=tuple(given.key),
        ids=tuple(given.id),
        everything=getattr(given, "everything", False),
        older_than_days=given.age,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m etl.quarantine", description="Rows that the quality gate held back."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    listed = commands.add_parser("list", help="what waits, by table, rule and run, then row by row")
    _add_filters(listed)
    listed.add_argument("--limit", type=_positive, default=50, help="rows listed one by one (default: 50)")
    shown = commands.add_parser("show", help="one row with all its values, personal ones included")
    shown.add_argument("id", type=int)
    discarded = commands.add_parser("discard", help="settle rows without loading them")
    _add_filters(discarded)
    discarded.add_argument("--everything", action="store_true", help="all that wait, instead of filters")
    discarded.add_argument("--reason", required=True, help="why; kept with the rows")
    replayed = commands.add_parser("replay", help="print the command that loads rows again")
    _add_filters(replayed)
    replayed.add_argument("--everything", action="store_true", help="all that wait, instead of filters")
    replayed.add_argument("--from-source", action="store_true", help="read them again from their database")
    return parser


def _add_filters(parser: argparse.ArgumentParser) -> None:
    for name, what in (
        ("table", "name in the catalog, such as shop.orders"),
        ("rule", "rule that the rows broke"),
        ("run", "id of the run that held them back, or how it begins"),
        ("key", "value of a key, or column=value"),
    ):
        parser.add_argument(f"--{name}", action="append", default=[], metavar=name.upper(), help=what)
    parser.add_argument(
        "--id", action="append", default=[], type=int, metavar="ID", help="number of an entry"
    )
    parser.add_argument("--age", type=_days, default=0, metavar="DAYS", help="at least so many days old")


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rows; give 1 or more.")
    return int(text)


def _days(text: str) -> int:
    """``7`` or ``7d``."""
    if not (days := text.removesuffix("d")).isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days; give such as 7 or 7d.")
    return int(days)


if __name__ == "__main__":
    sys.exit(main())
