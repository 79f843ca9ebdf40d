"""REST APIs: how a system is spoken to, and what an endpoint answers (law X10)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from etl.catalog.model import Model

if TYPE_CHECKING:
    from etl.catalog.tables import SourceTable

Keys = tuple[str, ...]
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CREDENTIAL_HEADERS = {"authorization", "proxy-authorization", "cookie"}


class BearerAuth(Model):
    """A token in the Authorization header, out of ``ETL_<SOURCE>_TOKEN``."""

    kind: Literal["bearer"]


class BasicAuth(Model):
    """User and password out of ``ETL_<SOURCE>_USER`` and ``ETL_<SOURCE>_PASSWORD``."""

    kind: Literal["basic"]


class ApiKeyAuth(Model):
    """A key out of ``ETL_<SOURCE>_API_KEY`` in a header or a parameter of the query."""

    kind: Literal["api_key"]
    name: str = Field("X-API-Key", min_length=1)
    location: Literal["header", "query"] = "header"


class OAuth2Auth(Model):
    """Client credentials out of ``ETL_<SOURCE>_CLIENT_ID`` and ``ETL_<SOURCE>_CLIENT_SECRET``."""

    kind: Literal["oauth2"]
    token_url: str = Field(pattern=r"^https?://[^/@?#]+(/[^?#]*)?$")
    scope: str = ""
    client_auth: Literal["basic", "body"] = Field(
        "basic", description="Where id and secret stand in the request for a token"
    )
    params: dict[str, str] = Field(
        default_factory=dict, description="Further parameters of that request, such as audience; no secrets"
    )


Auth = Annotated[BearerAuth | BasicAuth | ApiKeyAuth | OAuth2Auth, Field(discriminator="kind")]


class RestApi(Model):
    """How the API of a system is spoken to; its base URL is the system's.

    Attributes:
        clock: Whose time bounds the windows (law X4): the API's own, out of its header ``Date``; or, for an
            API without one, the worker's, whose error the tables' ``lag_seconds`` must cover.
    """

    auth: Auth | None = None
    headers: dict[str, str] = Field(default_factory=dict, description="Sent with each request; no secrets")
    requests_per_second: float | None = Field(
        None, gt=0, description="Shared by all workers of a process; none = as fast as it answers"
    )
    timeout_seconds: float = Field(
        30, gt=0, description="For a connection, and between two pieces of an answer"
    )
    answer_seconds: float = Field(600, gt=0, description="For one whole answer, however it trickles in")
    max_tries: int = Field(5, ge=1, description="Tries of one request before the extraction fails")
    backoff_seconds: float = Field(
        1, ge=0, description="Wait before the second try, doubled for each further one, with jitter"
    )
    longest_wait_seconds: float = Field(
        300, gt=0, description="Longest wait for a try; an API that asks for more ends the extraction"
    )
    max_body_bytes: int = Field(32 * 1024**2, ge=1, description="Largest answer, unpacked")
    clock: Literal["date_header", "worker"] = "date_header"

    @field_validator("headers")
    @classmethod
    def _plain(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _HEADER_NAME.fullmatch(name) or not (value.isascii() and value.isprintable()):
                raise ValueError(f"{name!r}: names are letters and hyphens, values plain ASCII on one line")
        if found := [name for name in headers if name.lower() in _CREDENTIAL_HEADERS]:
            raise ValueError(f"{found[0]} is a credential and belongs into the environment; declare 'auth'")
        return headers


class PageNumber(Model):
    """Pages by number; all but the last have ``size`` records.

    Attributes:
        ends_with_404: A page behind the last answers 404 instead of an empty list; only believed with
            a total that adds up.
    """

    kind: Literal["page"]
    page_param: str = "page"
    size_param: str = "per_page"
    size: int = Field(100, ge=1)
    first: int = 1
    ends_with_404: bool = False


class Offset(Model):
    """Pages by how many records to leave out; all but the last have ``size`` records."""

    kind: Literal["offset"]
    offset_param: str = "offset"
    size_param: str = "limit"
    size: int = Field(100, ge=1)


class _Chained(Model):
    """Each page names the next one.

    Attributes:
        size_param: Parameter that asks for ``size`` records a page; with it, a page with fewer that names
            a next one is an error, unless ``short_pages`` says that this API does so.
    """

    size_param: str | None = None
    size: int = Field(100, ge=1)
    short_pages: bool = False


class CursorToken(_Chained):
    """Each body names the next page by a token; none, NULL or an empty text ends."""

    kind: Literal["cursor"]
    cursor_param: str = "cursor"
    next: Keys = Field(("next_cursor",), min_length=1, description="Keys from the body to the token")


class LinkHeader(_Chained):
    """The ``Link`` header names the next page (RFC 8288)."""

    kind: Literal["link"]


class NextUrl(_Chained):
    """Each body holds the URL of the next page."""

    kind: Literal["next_url"]
    next: Keys = Field(("next",), min_length=1, description="Keys from the body to the URL")


class SinglePage(Model):
    """One answer holds everything."""

    kind: Literal["single"]


Pagination = Annotated[
    PageNumber | Offset | CursorToken | LinkHeader | NextUrl | SinglePage, Field(discriminator="kind")
]


class Endpoint(Model):
    """Where a table's records come from.

    Attributes:
        data: Keys from the body to the list of records; none = the body is the list.
        explode: Keys from a record to a list in it whose items are the rows, for a child table; columns
            with ``of_parent`` are read from the record itself.
        total: Keys from the body to the number of records, which must add up; or it stands in the header
            ``total_header``.
        bound_form: How the window's ends are written in ``low_param`` and ``high_param``.
        low_is_exclusive: The API leaves out what equals the lower end; a little more is then asked for.
        instants: How the records write the values of columns declared ``timestamp``.
        unused: Fields of a record that are known and not read, such as a list that another table explodes.
        omits_nulls: A record lacks the fields that have no value; a field that none has is then no drift.
        split_days: A window is read in pieces of so many days, by several workers at a time.
    """

    path: str = Field(pattern=r"^[^?#]*$", description="Below the system's URL")
    params: dict[str, str] = Field(default_factory=dict)
    data: Keys = ()
    explode: Keys = ()
    pagination: Pagination = SinglePage(kind="single")
    total: Keys = ()
    total_header: str | None = None
    low_param: str | None = Field(None, description="Parameter that takes the lower end of the window")
    high_param: str | None = Field(None, description="Parameter that takes the upper end of the window")
    bound_form: Literal["iso", "date", "epoch_seconds", "epoch_milliseconds", "text"] = "iso"
    low_is_exclusive: bool = False
    instants: Literal["iso", "epoch_seconds", "epoch_milliseconds"] = "iso"
    unused: tuple[str, ...] = ()
    omits_nulls: bool = False
    split_days: int | None = Field(None, ge=1)

    @property
    def has_total(self) -> bool:
        """Whether the API says how many records there are."""
        return bool(self.total) or self.total_header is not None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.total and self.total_header:
            raise ValueError("give 'total' or 'total_header', not both")
        if isinstance(self.pagination, PageNumber) and self.pagination.ends_with_404 and not self.has_total:
            raise ValueError("'ends_with_404' needs 'total' or 'total_header', or any 404 would end the list")
        if self.split_days and not (self.low_param and self.high_param):
            raise ValueError("'split_days' needs 'low_param' and 'high_param'")
        return self

    def check_table(self, table: SourceTable) -> None:
        """Refuse what cannot be read from an API.

        Raises:
            ValueError: Says what is wrong.
        """
        of_parent = [name for name, column in table.columns.items() if column.of_parent]
        if of_parent and not self.explode:
            raise ValueError(f"column '{of_parent[0]}': 'of_parent' needs an endpoint with 'explode'")
        if table.cursor is None:
            if self.low_param or self.high_param:
                raise ValueError("'low_param' and 'high_param' need a 'cursor'")
            return
        types = {table.columns[name].type for name in (table.cursor, table.null_cursor_fallback) if name}
        if table.cursor_kind != "timestamp" or types not in ({"timestamp"}, {"date"}):
            raise ValueError("the cursor of an endpoint, and its fallback, must be a timestamp or a date")
        if "lag_seconds" not in table.model_fields_set:
            raise ValueError(
                "declare 'lag_seconds': an API shows no open transactions, so say how late a record may "
                "appear with its time of change (law X2); 0 if it never does"
            )
