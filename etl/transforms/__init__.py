"""What the steps of ``prepare`` in the catalog do: pure functions (frame, step) -> frame.

Frames are pandas frames on Arrow types whose columns already have their declared types. A step sees
one batch of rows and nothing else: what needs the whole table is SQL over staging tables (law F5).
A step refuses rows with :func:`etl.transforms.frames.with_faults` and drops rows by leaving them out.
A new step is a model in ``etl/catalog/steps.py``, a function in one of these modules and a case below.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd

from etl.catalog import (
    AgeGroup,
    BinNumbers,
    Call,
    CleanText,
    DropMissing,
    FillMissing,
    JoinText,
    MapValues,
    ParseNumber,
    SourceTable,
    StandardizeDate,
    StandardizePhone,
    Step,
    ValidateEmail,
)
from etl.errors import ConfigError
from etl.transforms.contact import standardize_phone, validate_email
from etl.transforms.dates import standardize_date
from etl.transforms.derive import age_group, bin_numbers
from etl.transforms.missing import drop_missing, fill_missing
from etl.transforms.numbers import parse_number
from etl.transforms.registry import call
from etl.transforms.step_log import StepLog, Transformed
from etl.transforms.text import clean_text, join_text, map_values

Transform = Callable[[pd.DataFrame, Any], pd.DataFrame]


def apply_steps(frame: pd.DataFrame, table: SourceTable, default_phone_region: str) -> Transformed:
    """Apply the table's steps in their declared order; a row that one refuses is seen by none after it.

    Args:
        frame: Its index tells rows apart; the rows that are left keep theirs.
        table: Its steps and the types of its columns.
        default_phone_region: Region of phone numbers whose row names none.

    Raises:
        ConfigError: A step names a column that is not there or has another type than it needs;
            names the table.
    """
    log, transforms = StepLog(frame), _transforms(table, default_phone_region)
    try:
        for position, step in enumerate(table.prepare, 1):
            log.add(position, step, transforms[type(step)](log.frame, step))
    except ConfigError as error:
        raise ConfigError(f"{table.qualified_name}: {error.problem}", error.remedy) from None
    return log.transformed


def _transforms(table: SourceTable, default_phone_region: str) -> dict[type[Step], Transform]:
    columns = table.staged_columns
    return {
        CleanText: clean_text,
        ValidateEmail: validate_email,
        StandardizePhone: partial(standardize_phone, default_region=default_phone_region),
        FillMissing: partial(fill_missing, columns=columns),
        DropMissing: drop_missing,
        JoinText: join_text,
        AgeGroup: age_group,
        BinNumbers: bin_numbers,
        ParseNumber: partial(parse_number, columns=columns),
        StandardizeDate: partial(standardize_date, columns=columns),
        MapValues: map_values,
        Call: call,
    }
