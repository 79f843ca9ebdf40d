"""``python -m etl.discovery <source>``: writes the catalog and the base suites of a database."""

from __future__ import annotations

import argparse
import sys

from etl.discovery import Discovery, Options, Selection, discover
from etl.errors import StorehouseError
from etl.settings import PROJECT_DIR, get_settings


def main() -> int:
    """Discover; the exit code says whether it went well."""
    given = _options()
    selection = Selection(tuple(given.include), tuple(given.exclude))
    try:
        found = discover(given.source, get_settings(), Options(selection, given.overwrite, given.history))
    except StorehouseError as error:
        print(error, file=sys.stderr)
        return 1
    _tell(found)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m etl.discovery",
        description="Writes catalog/sources, catalog/tables and expectations/suites of a database.",
        epilog="Patterns have *, ? and [...] and mean 'table' or 'schema.table'; quote them from the shell.",
    )
    parser.add_argument("source", help="name of the source; ETL_<SOURCE>_URL says where it is")
    parser.add_argument("--include", action="append", default=[], metavar="PATTERN", help="only these tables")
    parser.add_argument("--exclude", action="append", default=[], metavar="PATTERN", help="not these tables")
    parser.add_argument("--overwrite", action="store_true", help="write files anew that are there already")
    parser.add_argument("--history", action="store_true", help="new tables keep their history (type 2)")
    return parser.parse_args()


def _tell(found: Discovery) -> None:
    for path in found.written:
        print(f"  wrote     {path.relative_to(PROJECT_DIR) if path.is_relative_to(PROJECT_DIR) else path}")
    for told, texts in (("changed", found.changes), ("look at", found.flags)):
        for name, sentences in texts.items():
            print(*(f"  {told:<9} {name}: {sentence}" for sentence in sentences), sep="\n")
    print(
        f"{len(found.tables)} tables of {found.source} are copied; {len(found.written)} files were written."
    )


if __name__ == "__main__":
    sys.exit(main())
