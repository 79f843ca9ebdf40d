"""The first schema: every object file of ``sql/warehouse/mysql``, applied as it stands."""

from alembic import op

from etl.warehouse.migrations import apply_objects

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create what is missing."""
    apply_objects(op.get_bind())
