"""Types of parameters that several flows share; Prefect makes its forms from them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from etl.errors import ConfigError
from tasks import resources


def _offer_tables(schema: dict[str, Any]) -> None:
    """Let the form offer what the catalog has; a table that it gained since is still taken by name."""
    try:
        schema["enum"] = sorted(resources.catalog().tables)
    except ConfigError:
        schema["examples"] = ["shop.orders"]


_Table = Annotated[str, Field(json_schema_extra=_offer_tables)]
Tables = Annotated[list[_Table], Field(min_length=1)]
OptionalTables = tuple[_Table, ...]
Names = tuple[str, ...]
