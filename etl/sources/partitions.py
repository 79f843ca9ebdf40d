"""Key ranges of a large extract."""

from __future__ import annotations

from dataclasses import replace

from etl.handles import Extract


def cut_evenly(
    extract: Extract, count: int, low: int | None, high: int | None, partition_rows: int
) -> tuple[Extract, ...]:
    """Parts of about ``partition_rows`` rows, cut evenly between the lowest and the highest key.

    The first part has no lower and the last no upper end, so that together they always hold every row,
    also those whose key is NULL; how many parts there are never changes a result (law X13).
    """
    if low is None or high is None or count <= partition_rows:
        return (extract,)
    parts = min(-(-count // partition_rows), high - low + 1)
    cuts = [low + (high - low + 1) * at // parts for at in range(1, parts)]
    bounds = [None, *(str(cut) for cut in cuts), None]
    return tuple(
        replace(extract, key_range=(bounds[at], bounds[at + 1]), part=f"{at + 1}of{parts}")
        for at in range(parts)
    )
