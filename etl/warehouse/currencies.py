"""Conversion of amounts at the rate of the day (law F4)."""

from __future__ import annotations

from etl.catalog import ConvertCurrency
from etl.catalog_types import decimal_digits, exact_digits
from etl.errors import ConfigError
from etl.warehouse.step_scope import Effect, StepScope

RATES = "warehouse.fact_exchange_rates"


def convert_currency(scope: StepScope, step: ConvertCurrency) -> Effect:
    """Fill the converted amounts and the rate; rows that cannot be converted go to quarantine.

    Raises:
        ConfigError: The warehouse has no table of rates.
    """
    _require_rates(scope, step)
    sql = scope.session.render_named("staging/convert_currency.sql", **_names(scope, step))
    values = {"table_name": scope.staged.table, "to": step.to, "max_days": step.max_days}
    scope.session.execute(sql["find_rates"], values)
    scope.session.analyze("", "rates_found")
    quarantined = scope.number(sql["quarantine"], values)
    changed = scope.number(sql["convert"])
    scope.session.execute(sql["close"])
    return Effect(changed=changed, quarantined=quarantined)


def _require_rates(scope: StepScope, step: ConvertCurrency) -> None:
    if not scope.session.exists(*RATES.split(".")):
        raise ConfigError(
            f"{scope.staged.table}: {step.step} reads {RATES}, which the warehouse does not have.",
            "Declare the fact exchange_rates (rate_date, currency_code, rate) and load it first.",
        )


def _names(scope: StepScope, step: ConvertCurrency) -> dict[str, object]:
    return {
        **scope.names,
        "grain": scope.table.grain,
        "json_columns": scope.table.json_columns,
        "currency": step.currency,
        "at": step.at,
        "amounts": {column: _digits(scope, into, column) for column, into in step.amounts.items()},
        "made": tuple(step.amounts.values()),
        "rate": _digits(scope, step.rate_into),
    }


def _digits(scope: StepScope, into: str, column: str | None = None) -> dict[str, str | int]:
    """What rounding to a column takes; of a rate there is no ``column`` that the amount comes from.

    Returns:
        ``into``, the column, with ``precision`` and ``scale`` of its type; ``source_scale``, digits of the
        amount behind the point; and as literals, which are exact, the ``unit`` of which a value of the
        column is a whole number, how many ``halves`` of a unit are 1, and the ``limit`` below which so
        many units fit.
    """
    precision, scale = decimal_digits(scope.table.derived[into].type)
    return {
        "precision": precision,
        "scale": scale,
        "source_scale": exact_digits(scope.table.staged_columns[column].type)[1] if column else 0,
        "into": into,
        "unit": f"0.{'0' * (scale - 1)}1" if scale else "1",
        "halves": f"2{'0' * scale}",
        "limit": f"1{'0' * precision}",
    }
