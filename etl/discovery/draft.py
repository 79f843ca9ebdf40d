"""``python -m etl.discovery.draft <table>``: a suite out of what runs saw of it, for a person to edit."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from etl.catalog import SourceTable
from etl.catalog_files import load_catalog
from etl.discovery.profile import ColumnProfile
from etl.discovery.suites import LEAST_ROWS_OF_A_VALUE, Seen, SeenColumn, drafted_suite
from etl.discovery.yaml_text import written
from etl.embedded import warehouse_url
from etl.errors import ConfigError, StorehouseError
from etl.profiles import LONGEST_VALUE, KeptProfile, ProfiledColumn
from etl.settings import Settings, get_settings
from etl.warehouse import open_warehouse


def main() -> int:
    """Draft; the exit code says whether it went well."""
    parser = argparse.ArgumentParser(
        prog="python -m etl.discovery.draft",
        description="Drafts a suite from the newest profile of a table. Written where the table has none,"
        " else printed.",
    )
    parser.add_argument("table", help="name in the catalog, such as shop.orders")
    parser.add_argument("--out", type=Path, help="write there; a file that is there already stays as it is")
    given = parser.parse_args()
    try:
        settings = get_settings()
        text = draft(given.table, settings)
        print(placed(text, given.out, settings.suites_dir / f"{given.table}.yaml"))
    except StorehouseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def draft(name: str, settings: Settings) -> str:
    """The text of a suite for a table of the catalog.

    Raises:
        ConfigError: The catalog declares no such table, or no run has kept a profile of it.
    """
    catalog = load_catalog(settings.catalog_dir)
    if name not in catalog.tables:
        raise ConfigError(
            f"The catalog declares no table '{name}'.", f"Name one of: {', '.join(catalog.tables)}."
        )
    kept = open_warehouse(warehouse_url(settings), settings, catalog).newest_profile(name)
    if kept is None:
        raise ConfigError(
            f"No run has kept a profile of {name}.",
            "Run a flow that reads the table, with ETL_PROFILE_ROWS above 0; then draft again.",
        )
    return suite_of(catalog.tables[name], kept)


def suite_of(table: SourceTable, kept: KeptProfile) -> str:
    """The text of a suite out of one profile of a table."""
    first = kept.columns[0]
    how = f"Drafted from run {kept.run_id} of {kept.day}, for a person to decide"
    columns = {
        column.name: SeenColumn(_seen(column), table.staged_columns[column.name].nullable, column.is_personal)
        for column in kept.columns
        if column.name in table.staged_columns
    }
    seen = Seen(table.qualified_name, kept.day, how, first.sampled_count, first.row_count, columns)
    return written(drafted_suite(table, seen), f"{how}; {first.row_count:,} rows; yours to sharpen.")


def placed(text: str, out: Path | None, usual: Path) -> str:
    """Write a draft where nothing is yet; what to print: where it stands, or the draft itself.

    Raises:
        ConfigError: ``out`` is there already.
    """
    target = out or usual
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        if out is None:
            return f"# {usual} is there and stays as it is; --out names another file.\n{text}"
        raise ConfigError(
            f"{out} is there already and stays as it is.", "Name a file that is not there."
        ) from None
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror}.", "Name another file.") from None
    return f"Wrote {target}; go through its rules, each says what it was drafted from."


def _seen(column: ProfiledColumn) -> ColumnProfile:
    kind = column.data_type.partition("(")[0]
    low, high = _ends(column, kind)
    return ColumnProfile(
        given=column.given_count,
        low=low,
        high=high,
        is_day=kind == "date",
        form=column.form,
        values=tuple(sorted(_values(column))) if kind == "text" else (),
    )


def _values(column: ProfiledColumn) -> Iterable[str]:
    """All values there were, where each stands in several rows and whole in the profile."""
    listed = column.top_values if column.has_all_values else None
    is_short = (column.longest or 0) <= LONGEST_VALUE
    is_sure = is_short and all(count >= LEAST_ROWS_OF_A_VALUE for _, count in listed or ())
    return [value for value, _ in listed or ()] if is_sure else ()


def _ends(column: ProfiledColumn, kind: str) -> tuple[float | date | None, float | date | None]:
    """Least and greatest value; none where one of them is no plain number or day."""
    if column.lowest is None or column.highest is None:
        return None, None
    try:
        if kind in ("date", "timestamp"):
            return date.fromisoformat(column.lowest[:10]), date.fromisoformat(column.highest[:10])
        if column.mean is not None and column.mean.is_finite():
            return float(column.lowest), float(column.highest)
    except ValueError:
        pass
    return None, None


if __name__ == "__main__":
    sys.exit(main())
