"""REST APIs: how a system is spoken to, and what an endpoint answers (law X10)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from etl.catalog.model import Model


class BearerAuth(Model):
    """A token in the Authorization header, out of ``ETL_<SOURCE>_TOKEN``."""

    kind: Literal["bearer"]


class BasicAuth(Model):
    """User and password out of ``ETL_<SOURCE>_USER`` and ``ETL_<SOURCE>_PASSWORD``."""

    kind: Literal["basic"]


class ApiKeyAuth(Model):
    """A key out of ``ETL_<SOURCE>_API_KEY`` in a header or a parameter of the query."""

    kind: Literal["api_key"]
    name: str = "X-API-Key"
    location: Literal["header", "query"] = "header"


class OAuth2Auth(Model):
    """Client credentials out of ``ETL_<SOURCE>_CLIENT_ID`` and ``ETL_<SOURCE>_CLIENT_SECRET``."""

    kind: Literal["oauth2"]
    token_url: str
    scope: str = ""


Auth = Annotated[BearerAuth | BasicAuth | ApiKeyAuth | OAuth2Auth, Field(discriminator="kind")]


class RestApi(Model):
    """How the API of a system is spoken to; its base URL is the system's."""

    auth: Auth | None = None
    headers: dict[str, str] = Field(default_factory=dict, description="Sent with each request; no secrets")
    requests_per_second: float | None = Field(
        None, gt=0, description="Shared by all workers of a run; none = as fast as it answers"
    )
    timeout_seconds: float = Field(30, gt=0)
    max_tries: int = Field(5, ge=1, description="Tries of one request before the extraction fails")
    backoff_seconds: float = Field(1, ge=0, description="Wait after the first failure; doubles, with jitter")
    longest_wait_seconds: float = Field(
        120, gt=0, description="A server that asks to wait longer (Retry-After) fails the extraction"
    )
    max_body_bytes: int = Field(256 * 1024 * 1024, ge=1, description="Largest answer that is read")


class PageNumber(Model):
    """Pages by number; the last one is empty or shorter than the others."""

    kind: Literal["page"]
    page_param: str = "page"
    size_param: str = "per_page"
    size: int = Field(100, ge=1)
    first: int = 1


class Offset(Model):
    """Pages by how many records to leave out."""

    kind: Literal["offset"]
    offset_param: str = "offset"
    size_param: str = "limit"
    size: int = Field(100, ge=1)


class CursorToken(Model):
    """Each body names the next page by a token; none or NULL ends."""

    kind: Literal["cursor"]
    cursor_param: str = "cursor"
    next: tuple[str, ...] = Field(("next_cursor",), description="Keys from the body to the token")
    size_param: str | None = None
    size: int = Field(100, ge=1)


class LinkHeader(Model):
    """The ``Link`` header names the next page (RFC 8288)."""

    kind: Literal["link"]
    size_param: str | None = None
    size: int = Field(100, ge=1)


class NextUrl(Model):
    """Each body holds the URL of the next page."""

    kind: Literal["next_url"]
    next: tuple[str, ...] = Field(("next",), description="Keys from the body to the URL")


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
        total: Keys from the body to the number of records, which must add up.
        unused: Fields of a record that are known and not wanted; any other undeclared one is drift (X12).
    """

    path: str
    params: dict[str, str] = Field(default_factory=dict)
    data: tuple[str, ...] = ()
    explode: tuple[str, ...] = ()
    pagination: Pagination = SinglePage(kind="single")
    total: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    low_param: str | None = Field(None, description="Parameter that takes the lower end of the window")
    high_param: str | None = Field(None, description="Parameter that takes the upper end of the window")
    bound_form: Literal["iso", "date", "epoch_seconds", "text"] = "iso"

    @field_validator("path")
    @classmethod
    def _below_the_base(cls, path: str) -> str:
        return path.lstrip("/")
