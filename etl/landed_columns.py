"""Columns of the project's own beside those of a table, from the source to staging."""

from __future__ import annotations

# The row's cursor as text (law X3), and its number within the staged table.
CURSOR = "_cursor"
ROW = "_row"
# Why a row could not be read or prepared whole, the column that is to blame, and the text it was read from.
FAULT = "_fault"
FAULT_COLUMN = "_fault_column"
SOURCE_TEXT = "_source_text"
# A difference from the catalog that the source met in the row (law X12), and how many zero dates it has.
DRIFT = "_drift"
ZERO_DATES = "_zero_dates"
# The sheet of a workbook that the row stands in.
SHEET = "_sheet"

LANDED_COLUMNS = (CURSOR, ROW, FAULT, FAULT_COLUMN, SOURCE_TEXT, DRIFT, ZERO_DATES, SHEET)
