"""What every declaration shares: strict frozen models and the grammar of column types."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

COLUMN_TYPE = (
    r"^(bigint|integer|smallint|text|boolean|date|timestamp|time|double|json|bytes|uuid"
    r"|decimal\(\d+,\s?\d+\))$"
)
ColumnType = Annotated[str, StringConstraints(pattern=COLUMN_TYPE)]
ScdType = Literal[0, 1, 2, 3]


class Model(BaseModel):
    """Base of all declarations: unknown fields are errors, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
