"""Exchange rates in the form of the European Central Bank: a random walk, equal for equal plans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from xml.etree import ElementTree as ET

import numpy as np

from demo.plan import ShopPlan

SHOP_CURRENCY = "USD"
# Units of the currency for 1 EUR on the first date, and how many decimals are quoted.
_STARTS = {
    "USD": ("1.1620", 4),
    "GBP": ("0.8680", 4),
    "JPY": ("178.45", 2),
    "BRL": ("6.2150", 4),
    "CAD": ("1.6135", 4),
    "CHF": ("0.9340", 4),
    "SEK": ("10.9120", 4),
}
_HISTORY_DAYS = 90
_QUOTATIONS_IN_A_FILE = 5
_DAILY_CHANGE = 0.004

_GESMES = "http://www.gesmes.org/xml/2002-08-01"
_ECB = "http://www.ecb.int/vocabulary/2002-08-01/eurofxref"


@dataclass(frozen=True)
class Rates:
    """All quotations of a shop's time, the oldest first; ``quotations`` has one mapping per date.

    Units: units of the currency for 1 EUR.
    """

    plan: ShopPlan
    dates: list[date]
    quotations: list[dict[str, Decimal]]

    def known(self, day: int) -> dict[tuple[date, str], Decimal]:
        """All rates that were published by the end of ``day``, by date and currency."""
        pairs = zip(self.dates[: self._count(self.plan.date_of(day))], self.quotations, strict=False)
        return {(at, currency): rate for at, rates in pairs for currency, rate in rates.items()}

    def rate(self, currency: str, at: date) -> Decimal:
        """Rate of a date, carried forward over days without a quotation (law F4).

        Raises:
            KeyError: No such currency is quoted.
        """
        return Decimal(1) if currency == "EUR" else self.quotations[self._count(at) - 1][currency]

    def from_dollars(self, amount: Decimal, currency: str, at: date) -> Decimal:
        """An amount of the shop's currency in another one, in whole cents of it, or whole yen."""
        if currency == SHOP_CURRENCY:
            return amount
        unit = Decimal(1) if currency == "JPY" else Decimal("0.01")
        converted = amount * self.rate(currency, at) / self.rate(SHOP_CURRENCY, at)
        return converted.quantize(unit, ROUND_HALF_UP)

    def to_dollars(self, amount: Decimal, currency: str, at: date) -> Decimal:
        """An amount in the shop's currency, to the cent."""
        converted = amount * self.rate(SHOP_CURRENCY, at) / self.rate(currency, at)
        return converted.quantize(Decimal("0.01"), ROUND_HALF_UP)

    def file(self, day: int) -> tuple[str, bytes] | None:
        """Name and content of the file that ``day`` publishes; None on a weekend.

        The opening state has one file with the whole history, each weekday one with its own
        quotation and those of the four before it.
        """
        count = self._count(self.plan.date_of(day))
        if day == 0:
            return "eurofxref-hist.xml", self._document(0, count)
        if self.dates[count - 1] != self.plan.date_of(day):
            return None
        name = f"eurofxref-{self.plan.date_of(day):%Y%m%d}.xml"
        return name, self._document(count - _QUOTATIONS_IN_A_FILE, count)

    def _count(self, at: date) -> int:
        return sum(1 for quoted in self.dates if quoted <= at)

    def _document(self, first: int, last: int) -> bytes:
        ET.register_namespace("gesmes", _GESMES)
        ET.register_namespace("", _ECB)
        root = ET.Element(f"{{{_GESMES}}}Envelope")
        ET.SubElement(root, f"{{{_GESMES}}}subject").text = "Reference rates"
        sender = ET.SubElement(root, f"{{{_GESMES}}}Sender")
        ET.SubElement(sender, f"{{{_GESMES}}}name").text = "The demo of Storehouse, in the form of the ECB"
        whole = ET.SubElement(root, f"{{{_ECB}}}Cube")
        for position in reversed(range(first, last)):
            quoted = ET.SubElement(whole, f"{{{_ECB}}}Cube", time=self.dates[position].isoformat())
            for currency, rate in self.quotations[position].items():
                ET.SubElement(quoted, f"{{{_ECB}}}Cube", currency=currency, rate=str(rate))
        return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def make_rates(plan: ShopPlan) -> Rates:
    """The rates from three months before the opening to the last business day."""
    last = plan.date_of(plan.days)
    first = plan.date_of(0) - timedelta(days=_HISTORY_DAYS)
    every = (first + timedelta(days=n) for n in range((last - first).days + 1))
    dates = [at for at in every if at.weekday() < 5]
    steps = plan.rng("rates").normal(0, _DAILY_CHANGE, (len(dates), len(_STARTS)))
    levels = np.exp(np.cumsum(steps, axis=0))
    quotations = [
        {
            currency: (Decimal(start) * Decimal(repr(float(level)))).quantize(Decimal(1).scaleb(-digits))
            for (currency, (start, digits)), level in zip(_STARTS.items(), row, strict=True)
        }
        for row in levels
    ]
    return Rates(plan, dates, quotations)
