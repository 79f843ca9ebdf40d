"""What the steps of ``prepare`` in the catalog do: pure functions (frame, step) -> frame.

Frames are pandas frames on Arrow types whose columns already have their declared types. A step sees
one batch of rows and nothing else: what needs the whole table is SQL over staging tables (law F5).
A new step is a model in ``etl/catalog/steps.py``, a function in one of these modules and a case below.
"""

from __future__ import annotations

import pandas as pd

from etl.catalog import (
    AgeGroup,
    CleanText,
    FillMissing,
    JoinText,
    SourceTable,
    StandardizePhone,
    Step,
    ValidateEmail,
)
from etl.errors import ConfigError
from etl.transforms.contact import standardize_phone, validate_email
from etl.transforms.derive import age_group
from etl.transforms.missing import fill_missing
from etl.transforms.text import clean_text, join_text


def apply_steps(frame: pd.DataFrame, table: SourceTable, default_phone_region: str) -> pd.DataFrame:
    """Apply the table's steps in their declared order.

    Raises:
        ConfigError: A step names a column that is not there or has another type than it needs;
            names the table.
    """
    try:
        for step in table.prepare:
            frame = _apply(frame, step, table, default_phone_region)
    except ConfigError as error:
        raise ConfigError(f"{table.qualified_name}: {error.problem}", error.remedy) from None
    return frame


def _apply(frame: pd.DataFrame, step: Step, table: SourceTable, default_phone_region: str) -> pd.DataFrame:
    match step:
        case CleanText():
            return clean_text(frame, step)
        case ValidateEmail():
            return validate_email(frame, step)
        case StandardizePhone():
            return standardize_phone(frame, step, default_phone_region)
        case FillMissing():
            return fill_missing(frame, step, table.staged_columns)
        case JoinText():
            return join_text(frame, step)
        case AgeGroup():
            return age_group(frame, step)
