"""What errors of MySQL and MariaDB mean for the operator, told without values of rows (laws P2, P5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from mysql.connector import Error as DriverError
from mysql.connector import errorcode, errors

from etl.errors import ConfigError, ContractError, ReleaseRefused, StorehouseError, TransientError
from etl.warehouse.database import Refusal

_CONNECTION = {1152, 1153, 1158, 1159, 1160, 1161, *range(2001, 2007), 2012, 2013, 2014, 2027, 2055}
_SHUT_OUT = {
    *(1040, 1203, 1226),  # too many connections
    *(1053, 1077, 1078, 1079, 1080),  # shutting down
}
_TRANSIENT = {
    *_CONNECTION,
    *_SHUT_OUT,
    *(1205, 1213, 1412, 1020, 3058, 3572),  # lock wait, deadlock, definition changed
    *(1317, 1927, 1969, 3024, 4031),  # killed or timed out
    *(1021, 1037, 1038, 1041, 1114, 3, 28, 1030, 1598),  # no room
}
_ACCOUNT = {1045, 1251, 1698, 1862, 1820, 2049, 2054, 2059, 2061, 3118, 3159, 4151}
_TLS = {2026}
_FORBIDDEN = {1044, 1142, 1143, 1227, 1290, 1370, 1410, 1419, 1836, 3955}
_ABSENT = {1049, 1051, 1054, 1109, 1146}
# Values that do not fit, or with which cannot be computed. Their warnings count as errors, too.
_VALUES = {
    *(1264, 1265, 1292, 1300, 1301, 1365, 1366, 1367, 1406, 1411, 1426, 1441, 1525, 1690),
    *range(3140, 3158),  # documents
    *range(4035, 4046),
    *(1260, 1918),  # a list cut short, a cast
}
# What a statement that may skip rows, such as LOAD DATA, says of them.
_BROKEN = {1048, 1062, 1169, 1216, 1217, 1263, 1364, 1451, 1452, 1586, 1761, 1762, 3819, 4025}
_NOT_UNIQUE = {1062, 1169, 1586, 1761, 1762}
DATA_WARNINGS = _VALUES | _BROKEN
# Their messages name a column, a constraint or a table, and quote no value.
_QUOTE_NO_VALUE = {1048, 1216, 1217, 1263, 1264, 1265, 1364, 1365, 1406, 1451, 1452, 3819, 4025}

# The first that fits counts.
_REFUSALS: tuple[tuple[Refusal, set[int]], ...] = (
    ("busy", {1205, 3572}),
    ("forbidden", _FORBIDDEN),
    ("not unique", _NOT_UNIQUE),
    ("too long", {1059, 1070, 1071, 1074, 1118, 1170, 139, 1713, 1709}),
    ("depended on", {1217, 1451, 1553, 1701, 1828, 1829, 1832, 1833, 1834, 3108, 3730, 3959}),
    ("other kind", {1347, 1348, 1288, 1471, 3107, 3102, 3105, 3106, 1906, 1901}),
    ("value", _VALUES),
)
# A killed or idle connection, a deadlock. What took too long is another matter: it would again.
_LOST = {*_CONNECTION, *_SHUT_OUT, 1213, 1927, 4031} - {1153}
_WITHOUT_NUMBER = (errors.InterfaceError, errors.OperationalError, OSError)
_NAMES = {
    **{number: name for name, number in vars(errorcode).items() if isinstance(number, int)},
    # MariaDB has numbers of its own.
    1927: "ER_CONNECTION_KILLED",
    1969: "ER_STATEMENT_TIMEOUT",
}


@contextmanager
def explained_errors(what: str) -> Iterator[None]:
    """Turn the driver's errors into errors of this project; neither URL nor values are in any of them."""
    try:
        yield
    except StorehouseError:
        raise
    except DriverError as error:
        raise explain(error, what) from None


def explain(error: Exception, what: str) -> StorehouseError:
    """The project's error for a driver's, sorted by what the operator can do."""
    message, number = without_values(error), number_of(error)
    for meaning in _MEANINGS:
        if number in meaning.numbers:
            return meaning.kind(f"{what} {meaning.problem}: {message}", meaning.remedy)
    if not number or isinstance(error, OSError):
        return TransientError(f"{what} cannot be reached: {message}", _REACH)
    return ReleaseRefused(
        f"{what} refused a statement ({number}): {message}",
        "Nothing was published; the message names the row or constraint.",
    )


def refusal_of(error: Exception) -> Refusal | None:
    """Why the server refused; None for what is none of these."""
    number = number_of(error)
    named = next((refusal for refusal, numbers in _REFUSALS if number in numbers), None)
    if named or number in _TRANSIENT | _ACCOUNT:
        return named
    if isinstance(error, errors.DataError):
        return "value"
    return "wrong" if isinstance(error, (errors.ProgrammingError, errors.NotSupportedError)) else None


def is_lost(error: Exception) -> bool:
    """Whether the connection is gone, or the server gave up what stood in another's way."""
    return number_of(error) in _LOST or (not number_of(error) and isinstance(error, _WITHOUT_NUMBER))


def name_of(error: Exception) -> str:
    """The name of an error, which holds no value."""
    number = number_of(error)
    return _NAMES.get(number) or f"error {number}"


def number_of(error: Exception) -> int:
    """The number of the error; 0 where the driver gave none, which is that of a lost connection."""
    number = getattr(error, "errno", None)
    return number if isinstance(number, int) and number > 0 else 0


def without_values(error: Exception) -> str:
    """What the server said in one line, without the values of rows that it quotes (law P2)."""
    message = " ".join(str(getattr(error, "msg", None) or error).split())
    return message_without_values(number_of(error), message, str(getattr(error, "sqlstate", None) or ""))


def message_without_values(number: int, message: str, state: str = "") -> str:
    """The same of a number, a message in one line and an SQLSTATE."""
    if number in _QUOTE_NO_VALUE:
        return message
    if number == 1062:
        return re.sub(r"'.*'(?= for key )", "", message).replace("  ", " ")
    if number == 1064:
        # What stands there is the statement, with its values: numbers, and what is in quotes.
        return re.sub(r" near '([^'\"\d]{0,40}).*'(?= at line \d+$)", r" near '\1...'", message)
    if number in _VALUES or state.startswith(("22", "23")) or number == 1644:
        return re.sub(r":? '.*'(?= for (?:column|function) |$)", "", message)
    return message


class _Meaning(NamedTuple):
    """What some of the errors mean."""

    numbers: set[int]
    kind: type[StorehouseError]
    problem: str
    remedy: str


_REACH = "Check that the server runs and that ETL_WAREHOUSE_URL names it."
# The first that applies counts.
_MEANINGS = (
    _Meaning(_ACCOUNT, ConfigError, "refuses the account", "Correct user and password in ETL_WAREHOUSE_URL."),
    _Meaning(_TLS, ConfigError, "has no such TLS", "Correct ssl_mode and ssl_ca in ETL_WAREHOUSE_URL."),
    _Meaning(
        {2001, 2002, 2003, 2005},
        TransientError,
        "cannot be reached",
        _REACH,
    ),
    _Meaning(
        {1153},
        ConfigError,
        "refuses a statement of this length",
        "Raise max_allowed_packet on the server to the length of the longest value.",
    ),
    _Meaning(
        _TRANSIENT,
        TransientError,
        "could not go on",
        "Nothing was published; run again when the server is well.",
    ),
    _Meaning(
        _ABSENT,
        ConfigError,
        "lacks an object",
        "Run again: each run brings the schema up to date first. If it stays, somebody removed it.",
    ),
    _Meaning(
        _VALUES,
        ContractError,
        "met a value that it cannot work with",
        "Nothing was published; mend the value at the source, or declare the column so that it fits.",
    ),
    _Meaning(_FORBIDDEN, ConfigError, "forbids it", "Grant the role what docs/operations.md lists for it."),
)
