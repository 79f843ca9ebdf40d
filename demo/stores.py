"""The shop's stores and their changes of manager."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from demo import people
from demo.defects import Occurrence, days_of
from demo.people import Draws, pick
from demo.plan import DAY, HISTORY_DAYS, HOUR, ShopPlan, naive
from demo.row_log import RowLog
from demo.tables import Row
from demo.words import fill_digits, plain_letters, word_list


@dataclass
class Stores:
    """All stores of a shop; store n stands in the country of entry (n - 1) modulo 6 of the word list."""

    log: RowLog
    per_country: int
    occurrences: list[Occurrence] = field(default_factory=list)

    def in_country(self, country: np.ndarray, u: np.ndarray) -> np.ndarray:
        """A store of each country, as positions of ``people.country_codes()``; 0 where there is none."""
        places = [entry[0] for entry in word_list("people")["stores"]]
        first = np.array([places.index(code) + 1 if code in places else 0 for code in people.country_codes()])
        turn = (u * self.per_country).astype(np.int64) * len(places)
        return np.where(first[country] > 0, first[country] + turn, 0)


def make_stores(plan: ShopPlan) -> Stores:
    """All stores, one in each place of the word list and as many more as the scale asks for."""
    rng = plan.rng("stores")
    per_country = plan.count(1)
    number = per_country * len(word_list("people")["stores"])
    rows = [_store(plan, n + 1, u) for n, u in enumerate(people.draws(rng, number))]
    stores = Stores(RowLog("stores", rows), per_country)
    _change_managers(plan, stores, rng)
    return stores


def _store(plan: ShopPlan, store_id: int, u: Draws) -> Row:
    words = word_list("people")
    places = words["stores"]
    country, city, region, district = places[(store_id - 1) % len(places)]
    opened = plan.date_of(1) - timedelta(days=HISTORY_DAYS + 200 + int(next(u) * 4_000))
    state, code, phone = next(c[1:] for c in words["countries"][country]["cities"] if c[0] == city)
    turn = (store_id - 1) // len(places)
    return {
        "store_id": store_id,
        "store_name": f"{city} {pick(words['store_types'], next(u))}{f' {turn + 1}' if turn else ''}",
        "store_type": pick(words["store_types"], next(u)),
        "address_line1": words["countries"][country]["address"].format(
            n=1 + int(next(u) * 90), street=words["countries"][country]["streets"][0]
        ),
        "address_line2": "" if next(u) < 0.3 else None,
        "city": city,
        "state": state,
        "postal_code": fill_digits(code, int(next(u) * 1e9)),
        "country": country,
        "region": region,
        "district": district,
        "manager_name": pick(words["managers"], next(u)),
        "phone": fill_digits(phone, int(next(u) * 1e9)),
        "email": f"{plain_letters(city)}{store_id}@stores.example.com",
        "opening_date": opened,
        "store_size_sqft": 2_000 + int(next(u) * 180) * 100,
        "is_active": True,
        "updated_at": naive(plan.history_start - int(next(u) * 150 * DAY)),
    }


def _change_managers(plan: ShopPlan, stores: Stores, rng: np.random.Generator) -> None:
    free = [int(key) for key in rng.permutation(np.array(list(stores.log)))]
    for day in days_of("manager_change", plan):
        key = free.pop()
        before = stores.log.row(key)["manager_name"]
        manager = pick([name for name in word_list("people")["managers"] if name != before], rng.random())
        at = naive(plan.start_of(day) + int(rng.integers(7 * HOUR, 9 * HOUR)))
        stores.log.change(day, key, manager_name=manager, updated_at=at)
        stores.occurrences.append(Occurrence("manager_change", day, "stores", (key,)))
