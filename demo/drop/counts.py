"""The files that the stores drop on each day, and what is wrong with some of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np

from demo.defects import Kind, Occurrence, days_of
from demo.drop.stock import COUNTING_HOURS, Stock
from demo.plan import HOUR, SECOND, ShopPlan, datetime_of

Form = Literal["csv", "csv.gz", "xlsx", "json", "xml"]
# Form of store 1, 2, ...; all stores that use a workbook share one, the others have a file each.
STORE_FORMS: tuple[Form, ...] = ("csv", "csv.gz", "xlsx", "xlsx", "json", "xml")
TABLES: dict[Form, str] = {
    "csv": "drop.stock_csv",
    "csv.gz": "drop.stock_csv",
    "xlsx": "drop.stock_excel",
    "json": "drop.stock_json",
    "xml": "drop.stock_xml",
}
UNKNOWN_STOCK_PRODUCT_ID = 9_100_001

_EXPORT_DELAY = 5 * 60 * SECOND
_RETRY_DELAY = 20 * 60 * SECOND
_FILE_KINDS: dict[Kind, tuple[Form, ...]] = {
    "headless_file": ("csv", "csv.gz"),
    "truncated_file": ("csv.gz", "json", "xml"),
}
_ROW_KINDS: dict[Kind, tuple[Form, ...]] = {
    "ragged_row": ("csv", "csv.gz"),
    "bad_number": ("csv", "csv.gz", "json"),
    "negative_stock": ("xlsx", "xml", "json"),
    "unknown_stock_product": ("csv", "xlsx", "xml"),
}
_NEXT_DAY_KINDS: tuple[Kind, ...] = ("corrected_count", "stale_count", "renamed_file")


class Count(NamedTuple):
    """What a store counted of a product; instants in microseconds since 1970."""

    store_id: int
    product_id: int
    counted_at: int
    on_hand_quantity: int
    reserved_quantity: int | None
    reorder_point_quantity: int | None
    exported_at: int


@dataclass(frozen=True)
class CountFile:
    """A file as it was meant, and what is wrong with it.

    Attributes:
        day: Business day on whose evening it is there.
        name: Path below the folder.
        damage: A file that is broken as a whole.
        bad_rows: Position -> what is wrong with a single row; the rest of the file is good.
    """

    day: int
    name: str
    form: Form
    rows: tuple[Count, ...]
    damage: Kind | None = None
    bad_rows: dict[int, Kind] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """Catalog name of the table that reads it."""
        return TABLES[self.form]

    @property
    def exported_at(self) -> int:
        """When the till wrote it."""
        return self.rows[0].exported_at

    def good_rows(self) -> Iterator[Count]:
        """The rows that a warehouse can take."""
        if self.damage is None:
            yield from (row for position, row in enumerate(self.rows) if position not in self.bad_rows)


@dataclass
class Drop:
    """All files of a shop, by day; the opening state has those of the day before, all of them good."""

    files: dict[int, list[CountFile]]
    occurrences: list[Occurrence]

    def known(self, day: int) -> Iterator[CountFile]:
        """All files that are there at the end of ``day``."""
        return (file for on, files in self.files.items() if on <= day for file in files)


def make_drop(plan: ShopPlan, stock: Stock) -> Drop:
    """The regular files of every day, spoilt here and there, and the files of those who mend it."""
    rng = plan.rng("drop")
    drop = Drop({day: [] for day in range(plan.days + 1)}, [])
    for day in range(plan.days + 1):
        regular = list(_regular_files(plan, stock, day))
        _Stories(plan, rng, drop, day, regular).tell()
        drop.files[day] += regular
    return drop


def _regular_files(plan: ShopPlan, stock: Stock, day: int) -> Iterator[CountFile]:
    stores = range(1, stock.on_hand.shape[2] + 1)
    for number, hour in enumerate(COUNTING_HOURS):
        counted_at = plan.start_of(day) + hour * HOUR
        begin = f"inventory/{datetime_of(counted_at):%Y%m%dT%H}"
        shared: list[Count] = []
        for store in stores:
            form = STORE_FORMS[(store - 1) % len(STORE_FORMS)]
            rows = _rows(stock, day, number, store, counted_at)
            if form == "xlsx":
                shared += rows
            else:
                yield CountFile(day, f"{begin}-store-{store}.{form}", form, tuple(rows))
        yield CountFile(day, f"{begin}-stores.xlsx", "xlsx", tuple(shared))


def _rows(stock: Stock, day: int, hour: int, store: int, counted_at: int) -> Iterator[Count]:
    """What one store counted; some tills know neither what is reserved nor when to reorder."""
    for place in np.flatnonzero(stock.listed_at < counted_at).tolist():
        product = place + 1
        yield Count(
            store,
            product,
            counted_at,
            int(stock.on_hand[day, hour, store - 1, place]),
            None if (product + store) % 7 == 0 else int(stock.reserved[day, hour, store - 1, place]),
            None if (product + store) % 11 == 0 else int(stock.reorder_point[store - 1, place]),
            counted_at + _EXPORT_DELAY,
        )


class _Stories:
    """Spoils files of one day, and drops what mends them on the same day or the next."""

    def __init__(
        self, plan: ShopPlan, rng: np.random.Generator, drop: Drop, day: int, files: list[CountFile]
    ) -> None:
        self._plan = plan
        self._rng = rng
        self._drop = drop
        self._day = day
        self._files = files
        self._free = rng.permutation(len(files)).tolist()

    def tell(self) -> None:
        """Tell what happens to whole files, each to another one, then what happens to rows of the others."""
        for kind, forms in _FILE_KINDS.items():
            for _ in self._begun(kind):
                self._spoil_file(kind, self._take(forms))
        for kind in _NEXT_DAY_KINDS:
            for _ in self._begun(kind):
                self._follow_up(kind, self._files[self._take(("csv", "csv.gz", "json", "xml"))])
        for kind, forms in _ROW_KINDS.items():
            for _ in self._begun(kind):
                self._spoil_row(kind, forms)

    def _begun(self, kind: Kind) -> Iterable[int]:
        return (day for day in days_of(kind, self._plan) if day == self._day)

    def _take(self, forms: tuple[Form, ...]) -> int:
        place = next(place for place in self._free if self._files[place].form in forms)
        self._free.remove(place)
        return int(place)

    def _spoil_file(self, kind: Kind, place: int) -> None:
        """The till notices and writes the hour once more."""
        file = self._files[place]
        self._files[place] = replace(file, damage=kind)
        self._files.append(_exported(file, "again", file.exported_at + _RETRY_DELAY))
        self._note(kind, self._day, file, file.name)

    def _follow_up(self, kind: Kind, file: CountFile) -> None:
        """A file of the next day that is about an hour of this one."""
        if kind == "renamed_file":
            name = file.name.replace("inventory/", "inventory/copy of ")
            late = replace(file, name=name, day=self._day + 1)
        elif kind == "stale_count":
            late = self._recounted(_exported(file, "first", file.exported_at - _EXPORT_DELAY // 2))
        else:
            at = self._plan.end_of(self._day) + int(self._rng.integers(7, 10)) * HOUR
            late = self._recounted(_exported(file, "corrected", at))
        self._drop.files[self._day + 1].append(replace(late, day=self._day + 1))
        self._note(kind, self._day + 1, late, late.name)

    def _recounted(self, file: CountFile) -> CountFile:
        """One row in ten has another quantity."""
        shift = np.where(self._rng.random(len(file.rows)) < 0.1, self._rng.integers(1, 9, len(file.rows)), 0)
        rows = (
            row._replace(on_hand_quantity=row.on_hand_quantity + int(more))
            for row, more in zip(file.rows, shift, strict=True)
        )
        return replace(file, rows=tuple(rows))

    def _spoil_row(self, kind: Kind, forms: tuple[Form, ...]) -> None:
        place = int(self._rng.choice([n for n in self._free if self._files[n].form in forms]))
        file = self._files[place]
        position = int(self._rng.choice(_unspoilt(file)))
        row, bad_rows = file.rows[position], {**file.bad_rows, position: kind}
        if kind == "unknown_stock_product":
            number = sum(1 for o in self._drop.occurrences if o.kind == kind)
            row, bad_rows = row._replace(product_id=UNKNOWN_STOCK_PRODUCT_ID + number), file.bad_rows
        elif kind == "negative_stock":
            row = row._replace(on_hand_quantity=-1 - row.on_hand_quantity)
        rows = (*file.rows[:position], row, *file.rows[position + 1 :])
        self._files[place] = replace(file, rows=rows, bad_rows=bad_rows)
        self._note(kind, self._day, file, file.name, row.product_id)

    def _note(self, kind: Kind, day: int, file: CountFile, *key: int | str) -> None:
        self._drop.occurrences.append(Occurrence(kind, day, file.table, key))


def _unspoilt(file: CountFile) -> list[int]:
    return [
        position
        for position, row in enumerate(file.rows)
        if position not in file.bad_rows and row.product_id < UNKNOWN_STOCK_PRODUCT_ID
    ]


def _exported(file: CountFile, suffix: str, at: int) -> CountFile:
    """The file's rows in an export of another time, under a name of its own."""
    stem, _, extension = file.name.partition(".")
    rows = tuple(row._replace(exported_at=at) for row in file.rows)
    return replace(file, name=f"{stem}-{suffix}.{extension}", rows=rows)
