"""Days, instants and intervals of PostgreSQL's expressions as MySQL writes them; sessions speak UTC."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from sqlglot import exp

from etl.warehouse.mysql.translation.kinds import INSTANTS
from etl.warehouse.mysql.translation.writer import Write, Writer, text_in
from etl.warehouse.mysql.zones import business_instant, local_instant

_UNITS = {"YEAR", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MICROSECOND"}
_DAY = "cast(cast({0} as date) as datetime(6))"
_HOUR = f"timestampadd(hour, hour({{0}}), {_DAY})"
_MINUTE = f"timestampadd(minute, minute({{0}}), {_HOUR})"
_MONTH = f"timestampadd(day, 1 - dayofmonth({{0}}), {_DAY})"
_TRUNCATED = {
    "SECOND": f"timestampadd(second, second({{0}}), {_MINUTE})",
    "MINUTE": _MINUTE,
    "HOUR": _HOUR,
    "DAY": _DAY,
    "WEEK": f"timestampadd(day, -weekday({{0}}), {_DAY})",
    "MONTH": _MONTH,
    "QUARTER": f"timestampadd(month, -mod(month({{0}}) - 1, 3), {_MONTH})",
    "YEAR": f"timestampadd(day, 1 - dayofyear({{0}}), {_DAY})",
}
_FIELDS = {
    **{name.upper(): f"{name}({{0}})" for name in ("year", "quarter", "month", "day", "hour", "minute")},
    "SECOND": "(second({0}) + microsecond({0}) / 1000000)",
    "DOW": "(dayofweek({0}) - 1)",
    "ISODOW": "(weekday({0}) + 1)",
    "DOY": "dayofyear({0})",
    "WEEK": "week({0}, 3)",
    "ISOYEAR": "(yearweek({0}, 3) div 100)",
    "EPOCH": "(timestampdiff(microsecond, timestamp '1970-01-01 00:00:00', {0}) / 1000000)",
}
_HOURS = {"HOUR", "MINUTE", "SECOND"}
_WITH_HOURS, _WITH_DAYS = {"time", *INSTANTS}, {"date", *INSTANTS}
_SECONDS = "(timestampdiff(microsecond, {0}, {1}) / 1000000)"


def _interval(writer: Writer, node: exp.Interval) -> str:
    count = str(node.this.this if node.this else "")
    unit = str(node.args.get("unit") or "").upper().removesuffix("S")
    if not re.fullmatch(r"-?\d+", count) or unit not in _UNITS:
        raise writer.refused(node, "has no counterpart in MySQL; give a whole number and one unit")
    return f"interval {count} {unit.lower()}"


def _truncated(writer: Writer, node: exp.TimestampTrunc) -> str:
    unit, zone = str(node.args["unit"]).upper(), node.args.get("zone")
    if unit not in _TRUNCATED or not (zone is None or _is_utc(zone)):
        raise writer.refused(node)
    if writer.kind(node.this) not in {"date", *INSTANTS}:
        raise writer.refused(node, "needs a date or an instant; say by a cast what it is of")
    if zone is None:
        # A date is made an instant at first; so is the result.
        writer.require_zone(node, node)
    return _TRUNCATED[unit].format(writer.write(node.this))


def _extracted(writer: Writer, node: exp.Extract) -> str:
    field, value = str(node.this).upper(), node.expression
    length, kind = value.unnest(), writer.kind(value)
    if field == "EPOCH" and isinstance(length, exp.Sub) and kind == "interval":
        sides = length.expression, length.this
        if {writer.kind(side) for side in sides} not in ({"instant"}, {"local"}):
            raise writer.refused(node, "needs two instants")
        return _SECONDS.format(*map(writer.write, sides))
    if field not in _FIELDS or kind not in (_WITH_HOURS if field in _HOURS else _WITH_DAYS):
        raise writer.refused(node, "needs a date or an instant, and a part that both systems know")
    if field != "EPOCH":
        writer.require_zone(node, value)
    return _FIELDS[field].format(writer.write(value))


def _at_time_zone(writer: Writer, node: exp.AtTimeZone) -> str:
    """What clocks there show at an instant; or the instant at which they show it."""
    zone, kind, day = text_in(node.args["zone"]), writer.kind(node.this), node.this.unnest()
    if zone is None:
        raise writer.refused(node, "needs a time zone that stands in the text")
    try:
        if kind == "instant":
            return local_instant(writer.write(node.this), zone)
        if kind == "local" and _is_utc(node.args["zone"]):
            return writer.write(node.this)
        if kind == "local" and isinstance(day, exp.Cast) and writer.kind(day.this) == "date":
            return business_instant(writer.write(day.this), zone)
    except ZoneInfoNotFoundError:
        raise writer.refused(node, "has a time zone that is not known") from None
    raise writer.refused(node, "needs an instant or, but for UTC, a date as a timestamp")


def _is_utc(zone: Any) -> bool:
    return (text_in(zone) or "").upper() == "UTC"


TIMES: dict[type, Write] = {
    exp.Interval: _interval,
    exp.TimestampTrunc: _truncated,
    exp.Extract: _extracted,
    exp.AtTimeZone: _at_time_zone,
    exp.CurrentTimestamp: lambda writer, node: "utc_timestamp(6)",
    exp.CurrentDate: lambda writer, node: "utc_date()",
}
