"""Python functions that the step ``call`` of a table may name.

A function is registered by the decorator, under its own name, with the types of its inputs and outputs:

    @registered(inputs={"gtin": "text"}, outputs={"is_valid": "boolean"})
    def gtin_is_valid(gtin: pa.Array) -> Outputs: ...

It gets whole columns of one batch as Arrow arrays and returns one array per output, or a ``Converted``
with the faults of rows that are to be rejected. It must be pure: what a row gets depends on that row
alone, so that batches change nothing (law X13), and no clock, file or network is asked (law R4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module

import pandas as pd
import pyarrow as pa

from etl.catalog import Call
from etl.catalog_types import arrow_type
from etl.errors import ConfigError
from etl.transforms.frames import column_of, with_column, with_faults
from etl.transforms.types import Converted

Outputs = Mapping[str, pa.Array | Converted]

_MODULE = "etl.transforms.functions"
_REGISTERED: dict[str, Function] = {}


@dataclass(frozen=True, slots=True)
class Function:
    """A registered function.

    Attributes:
        inputs: Input -> type of the catalog; a decimal takes any digits.
        outputs: Output -> type of the catalog.
    """

    name: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    run: Callable[..., Outputs]


def registered(
    *, inputs: Mapping[str, str], outputs: Mapping[str, str]
) -> Callable[[Callable[..., Outputs]], Callable[..., Outputs]]:
    """Register a function under its name.

    Raises:
        ConfigError: The name is taken.
    """

    def register(run: Callable[..., Outputs]) -> Callable[..., Outputs]:
        if run.__name__ in _REGISTERED:
            raise ConfigError(f"Two functions are registered as {run.__name__}.", "Rename one of them.")
        _REGISTERED[run.__name__] = Function(run.__name__, inputs, outputs, run)
        return run

    return register


def registered_functions() -> Mapping[str, Function]:
    """All functions by name."""
    import_module(_MODULE)
    return _REGISTERED


def call(frame: pd.DataFrame, step: Call) -> pd.DataFrame:
    """Fill columns with what a registered function makes of others; rows that it faults are refused.

    Raises:
        ConfigError: There is no such function, it takes or gives something else than the step says,
            or it returned what it did not declare.
    """
    function = _function(step)
    outputs = function.run(**{name: _input(frame, step, function, name) for name in function.inputs})
    for name, column in step.into.items():
        made = outputs.get(name)
        made = made if isinstance(made, Converted) else Converted(made)
        _require_declared(function, name, made.values, len(frame))
        frame = with_faults(with_column(frame, column, made.values), column, made.faults)
    return frame


def _function(step: Call) -> Function:
    functions = registered_functions()
    if step.function not in functions:
        near = get_close_matches(step.function, functions, n=1)
        raise ConfigError(
            f"There is no function {step.function!r}" + (f"; did you mean {near[0]!r}?" if near else "."),
            f"Register it in {_MODULE.replace('.', '/')}.py, or name one of: {', '.join(sorted(functions))}.",
        )
    function = functions[step.function]
    if set(step.inputs) != set(function.inputs) or not set(step.into) <= set(function.outputs):
        raise ConfigError(
            f"The function {function.name} takes {', '.join(function.inputs)} and gives "
            f"{', '.join(function.outputs)}, but the step names {', '.join(step.inputs)} "
            f"and {', '.join(step.into)}.",
            "Correct 'inputs' and 'into' of the step.",
        )
    return function


def _input(frame: pd.DataFrame, step: Call, function: Function, name: str) -> pa.Array:
    values = column_of(frame, step.inputs[name], step.step)
    wanted = arrow_type(function.inputs[name])
    if values.type != wanted and not (pa.types.is_decimal(values.type) and pa.types.is_decimal(wanted)):
        raise ConfigError(
            f"The function {function.name} needs {name} as {function.inputs[name]}, but the column "
            f"{step.inputs[name]!r} is {values.type}.",
            "Name a column of that type.",
        )
    return values


def _require_declared(function: Function, name: str, values: pa.Array | None, row_count: int) -> None:
    wanted = arrow_type(function.outputs[name])
    if values is None or len(values) != row_count or values.type != wanted:
        found = "nothing" if values is None else f"{len(values)} values of {values.type}"
        raise ConfigError(
            f"The function {function.name} returned {found} as {name}; "
            f"{row_count} values of {wanted} were declared.",
            "Correct the function or what it declares.",
        )
