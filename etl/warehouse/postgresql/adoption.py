"""A first load whose staged table becomes the copy itself, so that no row is written twice.

Staging such a table is logged from the beginning, unlike others; when it has passed the gate, its columns are
completed and it takes the place of the empty copy, with its owner and the rights on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from etl.catalog import SourceTable
from etl.handles import StagedTable, TableOutcome
from etl.warehouse.declared import replica_columns
from etl.warehouse.dimensions import MergeScope
from etl.warehouse.gone import is_gone
from etl.warehouse.making import describe_replica
from etl.warehouse.staging import is_first_load


@dataclass(frozen=True, slots=True)
class FirstLoad:
    """See :class:`etl.warehouse.replicas.Adoption`, which this is."""

    scope: MergeScope
    table: SourceTable

    def is_possible(self, staged: StagedTable) -> bool:
        """Whether the staged table can become the copy, which nobody changes from here on to the commit.

        Not where the copy has rows, or something that would be lost with it, such as a view that reads it;
        nor where somebody reads it just now: no release waits for what is only quicker.
        """
        session = self.scope.session
        if not is_first_load(session, self.table) or (staged.plan and staged.plan.replays):
            return False
        sql = self._statements()
        if not session.attempt(sql["hold"], "busy", "forbidden"):
            return False
        return bool(session.single(sql["is_possible"]))

    def count(self) -> tuple[TableOutcome, TableOutcome]:
        """What becomes of the staged rows."""
        session, sql = self.scope.session, self._statements()
        session.execute(sql["drop_flagged"])
        flagged = session.rowcount
        present = session.count(sql["count"])
        copied = TableOutcome(self.table.replica_relation, "replica", inserted=present, unchanged=flagged)
        return copied, replace(copied, name=self.table.qualified_name, role="source")

    def finish(self) -> None:
        """Move the staged table, and give it what the copy had."""
        session, sql = self.scope.session, self._statements()
        copy = session.identifier("replica", self.table.replica_relation)
        owner, key_index, key_name = (name.replace("%", "%%") for name in session.row(sql["find_place"]))
        session.execute(sql["find_rights"])
        rights = session.fetchall()
        for name in ("rename_cursor", "complete", "replace"):
            session.execute(sql[name])
        session.execute(f"alter table {copy} add constraint {key_name} primary key using index {key_index}")
        session.execute(f"alter table {copy} owner to {owner}")
        for right, grantee, passing in rights:
            session.execute(f"grant {right} on {copy} to {grantee.replace('%', '%%')} {passing}")
        describe_replica(session, self.table)

    def _statements(self) -> dict[str, str]:
        columns = replica_columns(self.table)
        return self.scope.session.render_named(
            "merges/replica/adopt.sql",
            staging=self.scope.staging,
            relation=self.table.relation,
            target=self.table.replica_relation,
            is_gone=is_gone(self.scope.session, self.table, "s"),
            required=[name for name, column in columns.items() if column.is_required],
            run_id=self.scope.run_id,
        )
