"""Page after page of an endpoint; whatever would lose or double records unseen is an error (law X10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from etl.catalog import Endpoint
from etl.catalog.rest import CursorToken, LinkHeader, NextUrl, Offset, PageNumber
from etl.errors import SourceError, TransientError
from etl.sources.rest.client import Answer, ApiClient

Record = dict[str, Any]
_ENDPOINT_REMEDY = "Correct 'endpoint' in the table's catalog file, or mend the API; nothing was loaded."
_AGAIN = "Run again; if it stays, the API does not page reliably over records that change."


def read_pages(
    client: ApiClient, endpoint: Endpoint, params: Mapping[str, str], doing: str
) -> Iterator[list[Record]]:
    """The records of an endpoint, a page at a time; never fewer than all without an error.

    Args:
        params: Parameters of the first request beside those of the pagination.
        doing: What the pages are read for, for messages.

    Raises:
        SourceError: A page is no list of records, a cursor or URL comes again, or a page is short
            although more follow.
        TransientError: The records changed while they were read: a total that changes or does not add
            up, a record that comes again on the next page; or a request failed to the end.
    """
    walk = _Walk(endpoint, doing)
    target, sent = endpoint.path, {**params, **first_page(endpoint)}
    while True:
        answer = client.get(target, sent, f"{doing}, page {walk.page_number + 1}")
        records = walk.take(answer)
        if records:
            yield records
        following = walk.following(answer, sent, len(records))
        if following is None:
            walk.require_total()
            return
        target, sent = following


def first_page(endpoint: Endpoint) -> dict[str, str]:
    """Parameters of the pagination in the first request."""
    match endpoint.pagination:
        case PageNumber(page_param=page, first=first, size_param=size_param, size=size):
            return {page: str(first), size_param: str(size)}
        case Offset(offset_param=offset, size_param=size_param, size=size):
            return {offset: "0", size_param: str(size)}
        case CursorToken(size_param=str(name), size=size) | LinkHeader(size_param=str(name), size=size):
            return {name: str(size)}
        case _:
            return {}


@dataclass
class _Walk:
    """What is known of the pages read so far."""

    endpoint: Endpoint
    doing: str
    page_number: int = 0
    record_count: int = 0
    total: int | None = None
    short_page: int = 0
    last_page: list[Record] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def take(self, answer: Answer) -> list[Record]:
        """The records of the next page, held against what was said and read before."""
        self.page_number += 1
        records = self._records(answer.body)
        self._check_total(answer.body)
        if records and self.last_page and records[0] in self.last_page:
            raise TransientError(
                f"{self.doing}: page {self.page_number} begins with a record of the page before.", _AGAIN
            )
        self.record_count += len(records)
        self.last_page = records
        return records

    def following(
        self, answer: Answer, sent: dict[str, str], count: int
    ) -> tuple[str, dict[str, str]] | None:
        """Target and parameters of the next page; None after the last one."""
        path = self.endpoint.path
        match self.endpoint.pagination:
            case PageNumber(page_param=param, size=size):
                more = self._goes_on(count, size)
                return (path, {**sent, param: str(int(sent[param]) + 1)}) if more else None
            case Offset(offset_param=param, size=size):
                more = self._goes_on(count, size)
                return (path, {**sent, param: str(int(sent[param]) + count)}) if more else None
            case CursorToken(cursor_param=param, next=keys):
                token = self._token(answer.body, keys)
                return (path, {**sent, param: self._unseen(token)}) if token else None
            case LinkHeader():
                return (self._unseen(answer.next_link), {}) if answer.next_link else None
            case NextUrl(next=keys):
                url = self._token(answer.body, keys)
                return (self._unseen(url), {}) if url else None
            case _:
                return None

    def require_total(self) -> None:
        """Hold the number of records against the total that the API names."""
        if self.total is not None and self.total != self.record_count:
            raise TransientError(
                f"{self.doing}: the API names {self.total} records in all, "
                f"but {self.record_count} came on {self.page_number} pages.",
                _AGAIN,
            )

    def _goes_on(self, count: int, size: int) -> bool:
        """Whether to ask for another page; only an empty one, or the total, says that there is none."""
        if count and self.short_page:
            raise SourceError(
                f"{self.doing}: page {self.short_page} had fewer than the {size} records asked for, "
                "and yet more followed; some may be missing.",
                f"Lower pagination.size to what the API allows. {_ENDPOINT_REMEDY}",
            )
        if count < size:
            self.short_page = self.page_number
        if self.total is not None:
            return bool(count) and self.record_count < self.total
        return bool(count)

    def _records(self, body: Any) -> list[Record]:
        found = _value_at(body, self.endpoint.data)
        where = ".".join(self.endpoint.data) or "the body"
        if not isinstance(found, list):
            raise SourceError(
                f"{self.doing}: page {self.page_number}: {where} is {_kind(found)}, "
                "expected a list of records.",
                _ENDPOINT_REMEDY,
            )
        for record in found:
            if not isinstance(record, dict):
                raise SourceError(
                    f"{self.doing}: page {self.page_number}: a record is {_kind(record)}, "
                    "expected an object with fields.",
                    _ENDPOINT_REMEDY,
                )
        return found

    def _check_total(self, body: Any) -> None:
        if not self.endpoint.total:
            return
        total = _value_at(body, self.endpoint.total)
        if isinstance(total, bool) or not isinstance(total, int):
            raise SourceError(
                f"{self.doing}: page {self.page_number}: the total at {'.'.join(self.endpoint.total)} "
                f"is {_kind(total)}, expected a whole number.",
                _ENDPOINT_REMEDY,
            )
        if self.total is not None and self.total != total:
            raise TransientError(
                f"{self.doing}: the total was {self.total} and is {total} on page {self.page_number}.", _AGAIN
            )
        self.total = total

    def _token(self, body: Any, keys: tuple[str, ...]) -> str:
        token = _value_at(body, keys)
        if token is None or token == "":
            return ""
        if isinstance(token, bool) or not isinstance(token, str | int):
            raise SourceError(
                f"{self.doing}: page {self.page_number}: what names the next page is {_kind(token)}, "
                "expected a text.",
                _ENDPOINT_REMEDY,
            )
        return str(token)

    def _unseen(self, place: str) -> str:
        if place in self.seen:
            raise SourceError(
                f"{self.doing}: page {self.page_number} leads to a page that was read before.",
                _ENDPOINT_REMEDY,
            )
        self.seen.add(place)
        return place


def _value_at(value: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _kind(value: Any) -> str:
    """What a JSON value is, without showing it."""
    match value:
        case None:
            return "missing"
        case bool():
            return "a boolean"
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return "a text"
        case _:
            return "a number"
