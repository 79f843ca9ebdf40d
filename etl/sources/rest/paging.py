"""Which request gets the next page, for each kind of pagination.

All but the last of numbered pages are full. Without a total, the end is therefore only believed when
the page behind it is empty: a page that a failing API cut short is followed by more records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from requests.utils import parse_header_links

from etl.catalog import Endpoint
from etl.catalog.rest import CursorToken, LinkHeader, NextUrl, Offset, PageNumber
from etl.sources.rest.exchange import joined
from etl.sources.rest.failures import Refused
from etl.sources.rest.json_text import at_path, kind_of


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What to ask for.

    Attributes:
        name: Token or URL by which the page before names this one; empty where pages are counted.
        may_be_missing: The page lies behind one that may have been the last, and may answer 404.
    """

    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    may_be_missing: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What came.

    Attributes:
        number: From 1.
        url: Where it came from.
        body: The parsed body.
        total: How many records the API says that there are; None where none is declared.
        byte_count: Size of the body.
    """

    number: int
    url: str
    headers: Mapping[str, str]
    body: Any
    records: Sequence[dict[str, Any]]
    total: int | None
    byte_count: int


class Paging(Protocol):
    """The way through one list."""

    def first(self) -> PageRequest:
        """The request for the first page."""
        ...

    def next(self, page: Page) -> PageRequest | None:
        """The request for the page after this one; None at the end.

        Raises:
            Refused: The page says both that it is the last and that it is not.
        """
        ...


def paging_for(endpoint: Endpoint, url: str, params: Mapping[str, str]) -> Paging:
    """The way through the list of an endpoint.

    Args:
        url: Of the endpoint.
        params: Declared ones and the window's ends.
    """
    match endpoint.pagination:
        case PageNumber() | Offset() as numbered:
            return _Numbered(numbered, url, params)
        case CursorToken() | LinkHeader() | NextUrl() as chained:
            return _Chained(chained, url, params)
    return _Single(url, params)


class _Single:
    def __init__(self, url: str, params: Mapping[str, str]) -> None:
        self._first = PageRequest(url, params)

    def first(self) -> PageRequest:
        return self._first

    def next(self, page: Page) -> PageRequest | None:
        return None


class _Numbered:
    """Pages by number or offset."""

    def __init__(self, declared: PageNumber | Offset, url: str, params: Mapping[str, str]) -> None:
        self._declared, self._url = declared, url
        self._params = {**params, declared.size_param: str(declared.size)}
        self._record_count = 0
        self._short: Page | None = None

    def first(self) -> PageRequest:
        return self._request(0)

    def next(self, page: Page) -> PageRequest | None:
        count, size = len(page.records), self._declared.size
        if count > size:
            raise Refused(
                f"the page holds {count} records, but {size} were asked for",
                f"Correct the pagination: the API does not obey '{self._declared.size_param}'.",
            )
        if self._short is not None and count:
            raise short_page(self._short.number, len(self._short.records), size)
        if count < size and (page.total is not None or self._short is not None):
            return None
        self._short = page if count < size else None
        self._record_count += count
        return self._request(page.number)

    def _request(self, page_count: int) -> PageRequest:
        if isinstance(self._declared, Offset):
            place = {self._declared.offset_param: str(self._record_count)}
            return PageRequest(self._url, {**self._params, **place})
        place = {self._declared.page_param: str(self._declared.first + page_count)}
        may_be_missing = self._declared.ends_with_404 and page_count > 0
        return PageRequest(self._url, {**self._params, **place}, may_be_missing=may_be_missing)


class _Chained:
    """Pages of which each names the next one."""

    def __init__(
        self, declared: CursorToken | LinkHeader | NextUrl, url: str, params: Mapping[str, str]
    ) -> None:
        size = {declared.size_param: str(declared.size)} if declared.size_param else {}
        self._declared, self._url, self._params = declared, url, {**params, **size}

    def first(self) -> PageRequest:
        return PageRequest(self._url, self._params)

    def next(self, page: Page) -> PageRequest | None:
        request = self._named(page)
        declared, count = self._declared, len(page.records)
        expected = declared.size if declared.size_param else 1
        if request is not None and count < expected and not declared.short_pages:
            raise short_page(page.number, count, expected)
        return request

    def _named(self, page: Page) -> PageRequest | None:
        match self._declared:
            case CursorToken() as declared:
                token = _text_at(page.body, declared.next)
                params = {**self._params, declared.cursor_param: token}
                return PageRequest(self._url, params, token) if token else None
            case NextUrl() as declared:
                target = _text_at(page.body, declared.next)
            case _:
                target = _next_link(page.headers.get("Link", ""))
        if not target:
            return None
        url = joined(page.url, target)
        return PageRequest(url, name=url)


def short_page(number: int, count: int, size: int) -> Refused:
    """The failure of a page that has too few records not to be the last, and is not."""
    return Refused(
        f"page {number} holds {count} of {size} records, and yet it is not the last",
        f"If the API gives fewer than asked for, declare that size ('size: {count}') or, where the "
        "pagination has it, 'short_pages: true'; else ask who runs it.",
    )


def _text_at(body: Any, keys: tuple[str, ...]) -> str:
    try:
        found = at_path(body, keys)
    except ValueError as error:
        raise Refused(f"{'.'.join(keys)} {error}", "Correct 'next' in the pagination.") from None
    if found is None:
        return ""
    if not isinstance(found, str):
        raise Refused(
            f"{'.'.join(keys)} holds {kind_of(found)}, which names no next page",
            "Correct 'next' in the pagination.",
        )
    return str(found)


def _next_link(header: str) -> str:
    links = parse_header_links(header) if header else []
    return next((link["url"] for link in links if "next" in link.get("rel", "").split()), "")
