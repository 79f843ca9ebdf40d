"""Verdicts, windows, profiles, reconciliations, incidents and alerts; quarantine that can be replayed."""

from alembic import op

from etl.warehouse.migrations import apply_objects

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """New tables and columns; what is there keeps its values."""
    apply_objects(op.get_bind())
