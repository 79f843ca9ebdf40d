"""What errors of MySQL and MariaDB mean for the operator, told without values of rows (laws P2, P5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from mysql.connector import Error as DriverError
from mysql.connector import errorcode as code
from mysql.connector import errors

from etl.errors import ConfigError, ContractError, ReleaseRefused, StorehouseError, TransientError
from etl.warehouse.database import Refusal

# Numbers stand where the driver has no name: those of MariaDB alone, and those that MySQL gave up.
_UNREACHABLE = {
    code.CR_SOCKET_CREATE_ERROR,
    code.CR_CONNECTION_ERROR,
    code.CR_CONN_HOST_ERROR,
    code.CR_UNKNOWN_HOST,
}
_CONNECTION = {
    *_UNREACHABLE,
    code.ER_ABORTING_CONNECTION,
    *(code.ER_NET_READ_ERROR, code.ER_NET_READ_INTERRUPTED),
    *(code.ER_NET_ERROR_ON_WRITE, code.ER_NET_WRITE_INTERRUPTED),
    *(code.CR_IPSOCK_ERROR, code.CR_SERVER_GONE_ERROR, code.CR_SERVER_HANDSHAKE_ERR),
    *(code.CR_SERVER_LOST, code.CR_SERVER_LOST_EXTENDED),
    *(code.CR_COMMANDS_OUT_OF_SYNC, code.CR_MALFORMED_PACKET),
}
# The connection is lost with it; another would be, too.
_TOO_LONG = {code.ER_NET_PACKET_TOO_LARGE}
_SHUT_OUT = {
    *(code.ER_CON_COUNT_ERROR, code.ER_TOO_MANY_USER_CONNECTIONS, code.ER_USER_LIMIT_REACHED),
    code.ER_SERVER_SHUTDOWN,
    1077,  # ER_NORMAL_SHUTDOWN
    1078,  # ER_GOT_SIGNAL
    *(code.ER_SHUTDOWN_COMPLETE, code.ER_FORCING_CLOSE),
}
_ENDED = {
    *(code.ER_QUERY_INTERRUPTED, code.ER_QUERY_TIMEOUT, code.ER_CLIENT_INTERACTION_TIMEOUT),
    1927,  # ER_CONNECTION_KILLED of MariaDB
    1969,  # ER_STATEMENT_TIMEOUT of MariaDB
}
_NO_ROOM = {
    1021,  # ER_DISK_FULL
    *(code.ER_OUTOFMEMORY, code.ER_OUT_OF_SORTMEMORY, code.ER_OUT_OF_RESOURCES),
    *(code.ER_RECORD_FILE_FULL, code.ER_GET_ERRNO, code.ER_BINLOG_LOGGING_IMPOSSIBLE),
    3,  # EE_WRITE
    28,  # ENOSPC
}
_TRANSIENT = {
    *_CONNECTION,
    *_SHUT_OUT,
    *_ENDED,
    *_NO_ROOM,
    *(code.ER_LOCK_WAIT_TIMEOUT, code.ER_LOCK_NOWAIT),
    *(code.ER_LOCK_DEADLOCK, code.ER_USER_LOCK_DEADLOCK),
    *(code.ER_TABLE_DEF_CHANGED, code.ER_CHECKREAD),
}
_ACCOUNT = {
    *(code.ER_ACCESS_DENIED_ERROR, code.ER_ACCESS_DENIED_NO_PASSWORD_ERROR),
    *(code.ER_MUST_CHANGE_PASSWORD, code.ER_MUST_CHANGE_PASSWORD_LOGIN),
    *(code.ER_ACCOUNT_HAS_BEEN_LOCKED, code.ER_SECURE_TRANSPORT_REQUIRED),
    *(code.ER_NOT_SUPPORTED_AUTH_MODE, code.CR_AUTH_PLUGIN_CANNOT_LOAD, code.CR_AUTH_PLUGIN_ERR),
    code.CR_NOT_IMPLEMENTED,
    2049,  # CR_SECURE_AUTH
    4151,  # ER_ACCOUNT_HAS_BEEN_LOCKED of MariaDB
}
_TLS = {code.CR_SSL_CONNECTION_ERROR}
_FORBIDDEN = {
    *(code.ER_DBACCESS_DENIED_ERROR, code.ER_TABLEACCESS_DENIED_ERROR, code.ER_COLUMNACCESS_DENIED_ERROR),
    *(code.ER_SPECIFIC_ACCESS_DENIED_ERROR, code.ER_PROCACCESS_DENIED_ERROR),
    *(code.ER_OPTION_PREVENTS_STATEMENT, code.ER_READ_ONLY_MODE),
    *(code.ER_CANT_CREATE_USER_WITH_GRANT, code.ER_BINLOG_CREATE_ROUTINE_NEED_SUPER),
    code.ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK,
}
_ABSENT = {
    *(code.ER_BAD_DB_ERROR, code.ER_BAD_TABLE_ERROR, code.ER_BAD_FIELD_ERROR),
    *(code.ER_UNKNOWN_TABLE, code.ER_NO_SUCH_TABLE),
}
# Values that do not fit, or with which cannot be computed. Their warnings count as errors, too.
_VALUES = {
    *(code.ER_WARN_DATA_OUT_OF_RANGE, code.ER_DATA_OUT_OF_RANGE, code.ER_DATETIME_FUNCTION_OVERFLOW),
    *(code.WARN_DATA_TRUNCATED, code.ER_DATA_TOO_LONG, code.ER_TOO_BIG_PRECISION),
    *(code.ER_TRUNCATED_WRONG_VALUE, code.ER_TRUNCATED_WRONG_VALUE_FOR_FIELD),
    *(code.ER_WRONG_VALUE, code.ER_WRONG_VALUE_FOR_TYPE, code.ER_ILLEGAL_VALUE_FOR_TYPE),
    *(code.ER_INVALID_CHARACTER_STRING, code.ER_WARN_ALLOWED_PACKET_OVERFLOWED),
    # Of ln(0) MySQL warns with the second, MariaDB with the first.
    *(code.ER_DIVISION_BY_ZERO, code.ER_INVALID_ARGUMENT_FOR_LOGARITHM),
    *range(code.ER_INVALID_JSON_TEXT, code.ER_JSON_DOCUMENT_TOO_DEEP + 1),
    *range(4035, 4046),  # ER_JSON_BAD_CHR to ER_JSON_PATH_ARRAY of MariaDB
    code.ER_CUT_VALUE_GROUP_CONCAT,
    1918,  # ER_BAD_DATA of MariaDB, a cast
}
_NOT_UNIQUE = {
    *(code.ER_DUP_ENTRY, code.ER_DUP_ENTRY_WITH_KEY_NAME, code.ER_DUP_UNIQUE),
    code.ER_FOREIGN_DUPLICATE_KEY_WITH_CHILD_INFO,
    code.ER_FOREIGN_DUPLICATE_KEY_WITHOUT_CHILD_INFO,
}
_CONSTRAINTS = {
    *(code.ER_BAD_NULL_ERROR, code.ER_WARN_NULL_TO_NOTNULL),
    *(code.ER_NO_REFERENCED_ROW, code.ER_NO_REFERENCED_ROW_2),
    *(code.ER_ROW_IS_REFERENCED, code.ER_ROW_IS_REFERENCED_2),
    code.ER_CHECK_CONSTRAINT_VIOLATED,
    4025,  # ER_CONSTRAINT_FAILED of MariaDB
}
# What a statement that may skip rows, such as LOAD DATA, says of them.
_BROKEN = {*_CONSTRAINTS, *_NOT_UNIQUE, code.ER_NO_DEFAULT_FOR_FIELD}
DATA_WARNINGS = _VALUES | _BROKEN
# Their messages name a column, a constraint or a table, and quote no value.
_QUOTE_NO_VALUE = {
    *_CONSTRAINTS,
    *(code.ER_WARN_DATA_OUT_OF_RANGE, code.WARN_DATA_TRUNCATED, code.ER_DATA_TOO_LONG),
    *(code.ER_DIVISION_BY_ZERO, code.ER_INVALID_ARGUMENT_FOR_LOGARITHM),
}

# The first that fits counts.
_REFUSALS: tuple[tuple[Refusal, set[int]], ...] = (
    ("busy", {code.ER_LOCK_WAIT_TIMEOUT, code.ER_LOCK_NOWAIT}),
    ("forbidden", _FORBIDDEN),
    ("not unique", _NOT_UNIQUE),
    (
        "too long",
        {
            *(code.ER_TOO_LONG_IDENT, code.ER_TOO_MANY_KEY_PARTS, code.ER_TOO_LONG_KEY),
            *(code.ER_TOO_BIG_FIELDLENGTH, code.ER_TOO_BIG_ROWSIZE, code.ER_BLOB_KEY_WITHOUT_LENGTH),
            *(code.ER_INDEX_COLUMN_TOO_LONG, code.ER_UNDO_RECORD_TOO_BIG),
            139,  # HA_ERR_TO_BIG_ROW
        },
    ),
    (
        "depended on",
        {
            *(code.ER_ROW_IS_REFERENCED, code.ER_ROW_IS_REFERENCED_2),
            *(code.ER_DROP_INDEX_FK, code.ER_TRUNCATE_ILLEGAL_FK, code.ER_FK_CANNOT_DROP_PARENT),
            *(code.ER_FK_COLUMN_CANNOT_DROP, code.ER_FK_COLUMN_CANNOT_DROP_CHILD),
            *(code.ER_FK_COLUMN_CANNOT_CHANGE, code.ER_FK_COLUMN_CANNOT_CHANGE_CHILD),
            1834,  # ER_FK_CANNOT_DELETE_PARENT
            *(code.ER_DEPENDENT_BY_GENERATED_COLUMN, code.ER_DEPENDENT_BY_CHECK_CONSTRAINT),
        },
    ),
    (
        "other kind",
        {
            *(code.ER_WRONG_OBJECT, code.ER_NONUPDATEABLE_COLUMN),
            *(code.ER_NON_UPDATABLE_TABLE, code.ER_NON_INSERTABLE_TABLE),
            *(code.ER_GENERATED_COLUMN_FUNCTION_IS_NOT_ALLOWED, code.ER_GENERATED_COLUMN_NON_PRIOR),
            code.ER_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN,
            code.ER_UNSUPPORTED_ACTION_ON_GENERATED_COLUMN,
            1901,  # ER_GENERATED_COLUMN_FUNCTION_IS_NOT_ALLOWED of MariaDB
            1906,  # ER_WARNING_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN of MariaDB
        },
    ),
    ("value", _VALUES),
)
# A killed or idle connection, a deadlock. What took too long is another matter: it would again.
_LOST = {
    *_CONNECTION,
    *_SHUT_OUT,
    *(code.ER_LOCK_DEADLOCK, code.ER_CLIENT_INTERACTION_TIMEOUT),
    1927,  # ER_CONNECTION_KILLED of MariaDB
}
_WITHOUT_NUMBER = (errors.InterfaceError, errors.OperationalError, OSError)
_NAMES = {
    **{number: name for name, number in vars(code).items() if isinstance(number, int)},
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
    if named or number in _TRANSIENT | _TOO_LONG | _ACCOUNT:
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
    if number == code.ER_DUP_ENTRY:
        return re.sub(r"'.*'(?= for key )", "", message).replace("  ", " ")
    if number == code.ER_PARSE_ERROR:
        # What stands there is the statement, with its values: numbers, and what is in quotes.
        return re.sub(r" near '([^'\"\d]{0,40}).*'(?= at line \d+$)", r" near '\1...'", message)
    if number in _VALUES or state.startswith(("22", "23")) or number == code.ER_SIGNAL_EXCEPTION:
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
        _UNREACHABLE,
        TransientError,
        "cannot be reached",
        _REACH,
    ),
    _Meaning(
        _TOO_LONG,
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
