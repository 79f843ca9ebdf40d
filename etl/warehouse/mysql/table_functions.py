"""Functions that give rows, which MySQL does not have: their query stands where they are called."""

from __future__ import annotations

import re

from etl.warehouse.statements import SqlFiles

_CALL = re.compile(
    r"\bwarehouse\.(?P<name>\w+)\((?P<arguments>[^()']*)\)(?P<alias>\s+as\s+\w+)?", re.IGNORECASE
)


def with_functions(query: str, sql: SqlFiles) -> str:
    """The query with the files of ``table_functions`` in place of calls; per cent signs are doubled.

    Args:
        query: Calls are ``warehouse.<name>(<arguments>)``, without brackets in their arguments.
        sql: The files of the system; each holds one macro of its own name.
    """

    def body_of(call: re.Match[str]) -> str:
        file = f"table_functions/{call['name']}.sql"
        if not sql.has(file):
            return call[0]
        arguments = [argument.strip() for argument in call["arguments"].split(",")]
        body = sql.call(file, call["name"], *arguments)
        alias = call["alias"] or f" as {call['name']}"
        return f"(\n{body}\n){alias}"

    return _CALL.sub(body_of, query.replace("%", "%%"))
