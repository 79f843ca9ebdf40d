"""The pages of one list, each held against those before it and all against what the API claims (law X10)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from etl.catalog import Endpoint
from etl.errors import SourceError, TransientError
from etl.sources.rest.client import Client
from etl.sources.rest.exchange import Answer
from etl.sources.rest.failures import Refused, told_at
from etl.sources.rest.json_text import at_path, kind_of, parse
from etl.sources.rest.paging import Page, PageRequest, paging_for
from etl.sources.rest.seen import Seen

_SHOWN_CHARACTERS = 100
_COUNT = re.compile(r"\d{1,18}", re.ASCII)


class Pages:
    """Reads a list once, from its first page to its proven end.

    Args:
        params: Declared parameters and the window's ends.
        where: What is done, for messages.
    """

    def __init__(self, client: Client, endpoint: Endpoint, params: Mapping[str, str], where: str) -> None:
        self._client, self._endpoint, self._where = client, endpoint, where
        self._paging = paging_for(endpoint, client.url_of(endpoint.path), params)
        self._number, self._record_count = 0, 0
        self._total: int | None = None

    def __iter__(self) -> Iterator[Page]:
        """The pages in order; the end is reached only if nothing contradicts it.

        Raises:
            TransientError: The list changed while it was read, or a page could not be had.
            SourceError: The API contradicts itself, or answers what is no page.
        """
        with Seen() as seen:
            request: PageRequest | None = self._paging.first()
            while request is not None:
                if request.name:
                    self._require_new(seen, f"name {request.name}")
                page = self._get(request)
                if page.records:
                    self._require_new(seen, f"records {page.records!r}")
                with told_at(self._place):
                    request = self._paging.next(page)
                yield page
        self._require_all()

    @property
    def _place(self) -> str:
        return f"{self._where}, page {self._number}"

    def _get(self, request: PageRequest) -> Page:
        self._number += 1
        accepted = (200, 404) if request.may_be_missing else (200,)
        answer = self._client.get(request.url, request.params, self._place, accepted)
        with told_at(self._place):
            page = self._page(answer)
        self._record_count += len(page.records)
        if page.total != self._total:
            raise TransientError(
                f"{self._place}: the API says now that there are {page.total} records, before it were "
                f"{self._total}: the list changed while it was read.",
                "It is read again; if that does not help, bound the list by 'high_param', or read it when "
                "it is quiet.",
            )
        return page

    def _page(self, answer: Answer) -> Page:
        is_missing = answer.status == 404
        body = None if is_missing else _parsed(answer)
        records = [] if is_missing else _records(body, self._endpoint)
        # An empty page behind the last knows of no total.
        says_total = self._endpoint.has_total and (records or self._number == 1)
        total = _total(answer, body, self._endpoint) if says_total else self._total
        if self._number == 1:
            self._total = total
        return Page(self._number, answer.url, answer.headers, body, records, total, len(answer.body))

    def _require_new(self, seen: Seen, what: str) -> None:
        if seen.add([what]):
            raise SourceError(
                f"{self._place}: the same page came before, or is named again as the next: the API goes "
                "round in a circle.",
                "Correct the pagination of the endpoint: the API does not obey its parameters, or names its "
                "pages otherwise.",
            )

    def _require_all(self) -> None:
        if self._total is not None and self._record_count != self._total:
            raise SourceError(
                f"{self._where}: the API says that there are {self._total} records, and gave "
                f"{self._record_count} on {self._number} pages.",
                "Correct 'total' or the pagination of the endpoint; else ask who runs the API.",
            )


def _parsed(answer: Answer) -> Any:
    try:
        return parse(answer.body)
    except ValueError as error:
        kind = answer.headers.get("Content-Type", "without a type")[:_SHOWN_CHARACTERS]
        raise Refused(
            f"the body ({len(answer.body):,} bytes, {kind}) is no JSON: {error}",
            "Look at what the API answers there; the path of the endpoint may lead to pages for people.",
        ) from None


def _records(body: Any, endpoint: Endpoint) -> list[dict[str, Any]]:
    place = ".".join(endpoint.data) or "the top of the body"
    try:
        records = at_path(body, endpoint.data)
    except ValueError as error:
        raise Refused(f"the body, at {place}, {error}", "Correct 'data' of the endpoint.") from None
    if not isinstance(records, list):
        raise Refused(f"there is no list of records at {place}, but {kind_of(records)}", "Correct 'data'.")
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict):
            raise Refused(
                f"record {number} is {kind_of(record)} and no object with fields",
                "Correct 'data' of the endpoint.",
            )
    return records


def _total(answer: Answer, body: Any, endpoint: Endpoint) -> int:
    if endpoint.total_header:
        found, place = answer.headers.get(endpoint.total_header), f"the header {endpoint.total_header}"
    else:
        place = ".".join(endpoint.total)
        try:
            found = at_path(body, endpoint.total)
        except ValueError:
            found = None
    if not isinstance(found, str) or not _COUNT.fullmatch(found.strip()):
        raise Refused(
            f"there is no whole number of records at {place}",
            "Correct 'total' or 'total_header' of the endpoint.",
        )
    return int(found)
