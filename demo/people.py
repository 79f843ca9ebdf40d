"""Rows of people: names, addresses, telephones and e-mail addresses as customers type them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, TypeVar

import numpy as np

from demo.plan import naive
from demo.tables import Row
from demo.words import fill_digits, plain_letters, word_list

Draws = Iterator[float]
T = TypeVar("T")

_DOMAINS = ("example.com", "example.org", "example.net", "mail.example.com")
_DRAWS_PER_ROW = 24


def draws(rng: np.random.Generator, rows: int) -> Iterator[Draws]:
    """For each row its own supply of numbers in [0, 1)."""
    return (iter(row) for row in rng.random((rows, _DRAWS_PER_ROW)).tolist())


def pick(options: Sequence[T], u: float) -> T:
    """One of ``options``, all equally likely."""
    return options[int(u * len(options))]


def country_codes() -> list[str]:
    """Codes of the countries in which the shop has customers."""
    return list(word_list("people")["countries"])


def person(customer_id: int, country: str, registered: int, updated: int, u: Draws) -> Row:
    """A customer's row with the usual share of gaps, blanks and odd spellings."""
    words = word_list("people")["countries"][country]
    first, last = pick(words["first_names"], next(u)), pick(words["last_names"], next(u))
    city = pick(words["cities"], next(u))
    registered_at = naive(registered)
    return {
        "customer_id": customer_id,
        "first_name": _spaced(first, next(u)),
        "last_name": _spaced(last, next(u)),
        "email": email_address(first, last, customer_id, next(u)),
        "phone": _phone(city[3], next(u), next(u)),
        "birth_date": _birth_date(registered_at.date(), next(u)),
        "gender": _weighted({"F": 49, "M": 46, "X": 2, None: 3}, next(u)),
        **_address(country, city, u),
        "customer_segment": _weighted({**word_list("people")["segments"], None: 2}, next(u)),
        "registration_date": registered_at.date(),
        "is_active": next(u) < 0.97,
        "updated_at": naive(updated),
    }


def email_address(first: str, last: str, customer_id: int, u: float) -> str | None:
    """A valid address; now and then with blanks around it and a domain in capitals, or none."""
    if u < 0.02:
        return None
    address = f"{plain_letters(first)}.{plain_letters(last)}{customer_id}"
    domain = _DOMAINS[customer_id % len(_DOMAINS)]
    return f" {address}@{domain.upper()} " if u > 0.96 else f"{address}@{domain}"


def bad_email(customer_id: int) -> str:
    """An address that no reading of the rules accepts."""
    name = f"customer{customer_id}"
    forms = (
        f"{name}.example.com",
        f"{name}@@example.com",
        f"{name}@",
        f"{name} at@example.com",
        "@example.com",
    )
    return forms[customer_id % len(forms)]


def new_address(row: Row, u: Draws) -> Row:
    """The address columns after a move to another city of the same country."""
    country = row["country"].upper()
    cities = word_list("people")["countries"][country]["cities"]
    here = (row["city"] or "").strip()
    return _address(country, pick([city for city in cities if city[0] != here], next(u)), u)


def other_segment(row: Row, u: Draws) -> str:
    """Another segment than the row has."""
    segments: list[str] = [s for s in word_list("people")["segments"] if s != row["customer_segment"]]
    return pick(segments, next(u))


def phone_number(row: Row, u: Draws) -> str:
    """A new telephone number in the form of the row's country."""
    return fill_digits(
        pick(word_list("people")["countries"][row["country"].upper()]["cities"], next(u))[3],
        int(next(u) * 1e9),
    )


def _address(country: str, city: list[Any], u: Draws) -> Row:
    words = word_list("people")["countries"][country]
    line = words["address"].format(n=1 + int(next(u) * 250), street=pick(words["streets"], next(u)))
    blank, second, code = next(u), next(u), next(u)
    return {
        "address_line1": line.replace(" ", "\n", 1)
        if blank < 0.03
        else line.replace(" ", "\t", 1)
        if blank > 0.97
        else line,
        "address_line2": None
        if second < 0.7
        else ""
        if second < 0.75
        else pick(word_list("people")["second_lines"], (second - 0.75) * 4),
        "city": _spaced(city[0], next(u)),
        "state": city[1],
        "postal_code": None if code < 0.02 else fill_digits(city[2], int(code * 1e9)),
        "country": country.lower() if next(u) < 0.02 else country,
    }


def _spaced(text: str, u: float) -> str:
    """Mostly the text; one in fifty with the blanks of careless typing."""
    return text if u > 0.02 else f"  {text}" if u > 0.01 else f"{text} "


def _phone(template: str, u: float, number: float) -> str | None:
    if u < 0.06:
        return None
    return "on request" if u > 0.99 else fill_digits(template, int(number * 1e9))


def _birth_date(registered: date, u: float) -> date | None:
    """Adults between 18 and 88 on the day they registered, and some who do not say."""
    return None if u < 0.08 else registered - timedelta(days=6_600 + int((u - 0.08) / 0.92 * 25_500))


def _weighted(weights: dict[Any, int], u: float) -> Any:
    """One of the keys of ``weights``, as likely as its weight says."""
    rest = u * sum(weights.values())
    for option, weight in weights.items():
        rest -= weight
        if rest < 0:
            return option
    return None
