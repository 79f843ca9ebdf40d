"""What differs between the systems that can hold the warehouse, behind two classes.

A :class:`Database` opens sessions and knows how its system writes names, types and errors; a
:class:`Session` is one transaction, or one after the other. All other modules speak to these two, and to
the SQL files of their system in ``sql/warehouse/<folder>/``, which have the same names and mean the same.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import sqlalchemy

from etl.errors import ReleaseRefused, StorehouseError
from etl.settings import Settings
from etl.warehouse.statements import SQL_DIR, SqlFiles

if TYPE_CHECKING:
    from etl.catalog import SourceTable
    from etl.handles import StagedTable
    from etl.warehouse.dimensions import MergeScope
    from etl.warehouse.marts import MartBuilding
    from etl.warehouse.replicas import Adoption

Values = Mapping[str, Any] | Sequence[Any]
# Why a server refused a statement: somebody holds what it needs, the account may not, rows are not unique,
# a key is too long for an index, the statement is wrong or not supported, a value cannot be worked with,
# something else depends on what it would change, or what stands there is of another kind.
Refusal = Literal[
    "busy", "forbidden", "not unique", "too long", "wrong", "value", "depended on", "other kind"
]
# As it is; one state of the data for all statements; the same, and nothing is written.
Isolation = Literal["usual", "snapshot", "read only"]


class Database(ABC):
    """The server behind ``ETL_WAREHOUSE_URL``.

    Attributes:
        folder: Its folder below ``sql/warehouse``.
        title: The name of the system, for people.
        errors: What its driver raises.
        now: SQL of the present instant, whenever the transaction began.
        driver: What SQLAlchemy calls the system and the driver of :meth:`open_reader`, as in URLs.
        judged_as: As what kind of data source Great Expectations takes it.
        copies_snapshots: A statement that writes what it selects reads the snapshot of its transaction.
    """

    folder: ClassVar[str]
    title: ClassVar[str]
    errors: ClassVar[tuple[type[Exception], ...]]
    now: ClassVar[str]
    driver: ClassVar[str]
    judged_as: ClassVar[Literal["sql", "postgres"]] = "sql"
    copies_snapshots: ClassVar[bool] = False

    def __init__(self, url: str, settings: Settings) -> None:
        self.url = url
        self.settings = settings
        self.sql = SqlFiles(SQL_DIR / self.folder, self.quote, self.literal)
        self.sql.add_filters(
            type=self.type_of,
            key_type=self.key_type_of,
            temporary=self.temporary,
            json_text=self.json_text,
            seconds_until=self.seconds_between,
            elements=self.elements,
            joined=self.joined,
            first_line=self.first_line,
            place_in=self.place_in,
        )
        self.sql.add_names(prefix=self.prefix)

    @abstractmethod
    def session(
        self, *, isolation: Isolation = "usual", autocommit: bool = False
    ) -> AbstractContextManager[Session]:
        """A session that commits when the block ends well; all that it did is undone when not.

        Sessions speak UTC, so that no instant depends on where a worker runs.

        Raises:
            TransientError: The server cannot be reached, or the connection was lost.
            ConfigError: The server refuses the account, or the schema is not there.
        """

    @abstractmethod
    def own_session(self) -> AbstractContextManager[Session]:
        """A session of a connection that nobody shares, in autocommit; its locks end with it."""

    @abstractmethod
    def engine(self) -> sqlalchemy.Engine:
        """For Alembic: its connections are those of the warehouse."""

    @abstractmethod
    def open_reader(self, schema: str) -> Any:
        """A connection for SQLAlchemy that only reads, and finds tables of one schema by their names alone.

        What the driver raises is not explained.

        Raises:
            ConfigError: The URL cannot be read, or demands TLS that the connection has not.
        """

    @abstractmethod
    def session_on(self, connection: Any) -> Session:
        """A session on a connection of the driver, which the caller commits and closes."""

    @abstractmethod
    def mart_building(self, session: Session) -> MartBuilding:
        """How marts are built and put in their places."""

    def adoption(self, scope: MergeScope, table: SourceTable, staged: StagedTable) -> Adoption | None:
        """How the staged table takes the place of its copy; None where its rows are merged."""
        return None

    @abstractmethod
    def quote(self, *parts: str) -> str:
        """A quoted name; of two parts the first is the schema (law P1)."""

    @property
    def prefix(self) -> str:
        """What stands before the names of schemas on the server; templates have it as ``prefix``."""
        return ""

    def schema(self, name: str) -> str:
        """What the server calls a schema of the warehouse, not quoted."""
        return self.prefix + name

    def temporary(self, name: str) -> str:
        """How statements name a table of the session alone."""
        return name

    @abstractmethod
    def literal(self, text: str) -> str:
        """A text as a literal of SQL, for what takes no parameters."""

    @abstractmethod
    def type_of(self, column_type: str) -> str:
        """The type of a column for a type of the catalog.

        Raises:
            ConfigError: The type is not of the catalog's grammar, or the system cannot hold its values.
        """

    @abstractmethod
    def key_type_of(self, column_type: str) -> str:
        """The same for a column of a key, which an index must be able to hold."""

    @abstractmethod
    def shown_types(self, column_type: str) -> set[str]:
        """The type as the system itself may show it of a column, one of a key included."""

    @abstractmethod
    def catalog_type(self, shown: str) -> str | None:
        """The catalog's type of a column that the system shows so; None for one that the grammar lacks."""

    @abstractmethod
    def json_text(self, document: str, name: str) -> str:
        """SQL of a member of a document as a text, for a statement with values; NULL where there is none."""

    @abstractmethod
    def seconds_between(self, earlier: str, later: str) -> str:
        """SQL of the seconds from one instant to another, as an exact number with their fraction."""

    @abstractmethod
    def elements(self, array: str, relation: str, column: str) -> str:
        """SQL of a relation with the texts of an array, for a cross join behind what has the array."""

    @abstractmethod
    def joined(self, text: str, order: str) -> str:
        """SQL of an aggregate: all texts of a group as one, in an order, with commas between them."""

    def first_line(self, text: str) -> str:
        """SQL of what a text has before its first line break."""
        end = self.literal("\n")
        return f"substring({text} from 1 for position({end} in concat({text}, {end})) - 1)"

    def place_in(self, value: str, places: Sequence[str]) -> str:
        """SQL of the place of a value among others, from 1 on; one more than they are where it is none."""
        found = " ".join(f"when {place} then {number}" for number, place in enumerate(places, 1))
        return f"case {value} {found} else {len(places) + 1} end"

    @abstractmethod
    def expression(self, text: str, types: Mapping[str, str], column_type: str) -> str:
        """SQL of a column's value, written for PostgreSQL in the catalog, as this system writes it.

        Args:
            types: Type of each column that it may name, as the catalog has it.
            column_type: Type of the column that it is for.

        Raises:
            ValueError: It says something that would mean something else on this system.
        """

    def source_query(self, text: str) -> str:
        """A query of the catalog on the warehouse itself, as the server is asked it; parameters stay."""
        return text

    @abstractmethod
    def predicate(self, text: str, schema: str, relation: str) -> str:
        """The same of a condition of the rows of a table, which may look into others of its schema.

        Raises:
            ValueError: It says something that would mean something else on this system.
        """

    @abstractmethod
    def pattern(self, text: str) -> str:
        """A regular expression, written for PostgreSQL, as this system reads it.

        Raises:
            ValueError: This system has no words for it.
        """

    @abstractmethod
    def instant(self, text: str) -> str:
        """An instant in ISO 8601 as a text that equals a column's value; another text as it is."""

    @abstractmethod
    def uuid(self, text: str) -> str:
        """A UUID in any spelling as a text that equals a column's value.

        Raises:
            ValueError: It is none.
        """

    @abstractmethod
    def reflected_types(self, column_type: str) -> set[str]:
        """The type as SQLAlchemy may show it of a staged column, in small letters."""

    @abstractmethod
    def refusal_of(self, error: Exception) -> Refusal | None:
        """Why the server refused; None for what is none of these."""

    @abstractmethod
    def is_lost(self, error: Exception) -> bool:
        """Whether the connection is gone, or the server gave up what another session stood in the way of."""

    @abstractmethod
    def kind_of(self, error: Exception) -> str:
        """The name of the error, which holds no value of any row."""

    @abstractmethod
    def message_of(self, error: Exception) -> str:
        """What the server said, in one line."""

    @abstractmethod
    def place_of(self, error: Exception, statement: str) -> int:
        """Line of the statement at which the server stopped, from 1 on; 1 where it does not say."""

    @abstractmethod
    def explain(self, error: Exception, what: str) -> StorehouseError:
        """The project's error for a driver's, by what the operator can do; neither values nor URL (P2)."""

    @contextmanager
    def explained(self, what: str) -> Iterator[None]:
        """Turn the driver's errors into errors of this project."""
        try:
            yield
        except StorehouseError:
            raise
        except self.errors as error:
            raise self.explain(error, what) from None

    @abstractmethod
    def forget_idle(self) -> None:
        """Close connections that wait to be used again."""


class Session(ABC):
    """Statements on one connection.

    A statement may be a script; what can be fetched, and the row count, are those of its last part. Values
    are Python's: lists stand for arrays, mappings for JSON documents, instants have a zone.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def render(self, file: str, **names: Any) -> str:
        """One SQL file of the system as a single statement or script."""
        return self.database.sql.render(file, **names)

    def render_named(self, file: str, **names: Any) -> dict[str, str]:
        """The statements of one SQL file of the system by their names."""
        return self.database.sql.render_named(file, **names)

    def identifier(self, *parts: str) -> str:
        """A quoted name for a statement that is executed with values, as all are."""
        return self.database.sql.identifier(*parts)

    def identifiers(self, names: Iterable[str]) -> str:
        """Such names with commas between them."""
        return self.database.sql.identifiers(names)

    @abstractmethod
    def execute(self, statement: str, values: Values = ()) -> None:
        """Execute a statement; a per cent sign in it is doubled."""

    @property
    @abstractmethod
    def rowcount(self) -> int:
        """Rows that the last statement wrote, or gave."""

    @property
    @abstractmethod
    def columns(self) -> list[str]:
        """Names of the columns that the last statement gave."""

    @property
    @abstractmethod
    def numeric_columns(self) -> list[str]:
        """Those of them that hold numbers."""

    @abstractmethod
    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row."""

    @abstractmethod
    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows that are left; instants have the zone UTC; see :func:`from_json`."""

    def rows(self, statement: str, values: Values = ()) -> list[dict[str, Any]]:
        """Rows of a query as mappings."""
        self.execute(statement, values)
        names = self.columns
        return [dict(zip(names, row, strict=True)) for row in self.fetchall()]

    def row(self, statement: str, values: Values = ()) -> tuple[Any, ...]:
        """The row of a statement that gives one, whatever it finds.

        Raises:
            ReleaseRefused: There is none: what is counted by it must not pass for nothing.
        """
        self.execute(statement, values)
        row = self.fetchone()
        if row is None:
            raise ReleaseRefused(
                f"{self.database.title} answered without a row where there is always one.",
                "This is a fault of the project: nothing was published; keep the staging data and report it.",
            )
        return row

    def count(self, statement: str, values: Values = ()) -> int:
        """The number that such a statement gives first.

        Raises:
            ReleaseRefused: As for :meth:`row`.
        """
        return int(self.row(statement, values)[0])

    def single(self, statement: str, values: Values = ()) -> Any:
        """The first value of the first row; None where there is none."""
        self.execute(statement, values)
        row = self.fetchone()
        return row[0] if row else None

    def has_rows(self, *relation: str) -> bool:
        """Whether a relation has rows."""
        return self.single(f"select 1 from {self.identifier(*relation)} limit 1") is not None

    @abstractmethod
    def attempt(self, statement: str, *refusals: Refusal, values: Values = ()) -> bool:
        """Execute a statement that the server may refuse for these reasons; False where it did.

        Within a transaction, of which nothing else is undone; not in autocommit.
        """

    @abstractmethod
    def stream(self, statement: str, values: Values = ()) -> Iterator[tuple[Any, ...]]:
        """Rows of a query that does not fit into memory."""

    @abstractmethod
    def insert(
        self,
        relation: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        *,
        key: Sequence[str] = (),
        update: Sequence[str] = (),
    ) -> None:
        """Insert rows, many with one statement.

        Args:
            relation: As it stands in statements, quoted where it must be.
            columns: Their names, not quoted.
            key: A row whose key is there already stays as it is, but for the columns to ``update``; without a
                key such a row is an error.
        """

    @abstractmethod
    def insert_once(self, relation: str, columns: Sequence[str], row: Sequence[Any]) -> bool:
        """Insert a row unless its primary key is there already; says whether it was inserted."""

    @abstractmethod
    def load(self, relation: str, path: Path, columns: Sequence[str]) -> int:
        """Append the rows of an Arrow file in bulk; returns how many.

        Args:
            relation: Quoted.
            columns: Names of the columns, the same in the file and in the table.

        Raises:
            ConfigError: A column is missing on either side, or cannot be sent to its column exactly.
            TransientError: The connection was lost or the server is going down.
            ContractError: A value does not fit its column.
            ReleaseRefused: The server refused the rows, or took another number of them.
        """

    def filled_whole(self, schema: str, relation: str, rows: int) -> AbstractContextManager[None]:
        """Let the block insert so many rows into a table, by a quicker way where the system has one."""
        return nullcontext()

    @abstractmethod
    def exists(self, schema: str, relation: str) -> bool:
        """Whether there is such a table or view."""

    @abstractmethod
    def schemas(self, beginning: str) -> set[str]:
        """Names of the schemas that begin so."""

    @abstractmethod
    def drop_schema(self, schema: str) -> None:
        """Drop a schema with all that is in it, if it is there."""

    @abstractmethod
    def analyze(self, schema: str, relation: str, columns: Iterable[str] = ()) -> None:
        """Make the statistics of a relation, or of some of its columns, by which statements are planned.

        Args:
            schema: Empty for a relation of this session alone.
            columns: Empty for all.
        """

    @abstractmethod
    def limit(self, seconds: int) -> None:
        """Let statements of this transaction take so long and no longer."""

    @abstractmethod
    def hold(self, name: str) -> None:
        """Wait for a lock and hold it until the transaction ends."""

    @abstractmethod
    def try_hold(self, name: str) -> bool:
        """The same without waiting; False where somebody has it."""

    @abstractmethod
    def lock(self, name: str, *, shared: bool, seconds: float) -> bool:
        """Wait so long for a lock that ends with the session; False where others kept it.

        Args:
            shared: Held together with others who share it; who waits for it alone comes before sharers that
                come later.
        """


def from_json(value: Any) -> Any:
    """A document or an array as the driver gave it: systems without such types give text."""
    return json.loads(value) if isinstance(value, (str, bytes)) else value


def listed(values: Sequence[Any]) -> str:
    """Places for values in ``in (...)``; of none, a value that equals nothing."""
    return ", ".join(["%s"] * len(values)) or "null"
