"""Drifts of a source are recorded (law X12); what is held back is found by its run."""

from alembic import op

from etl.warehouse.migrations import apply_objects

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the table; index the quarantine by run, which older warehouses lack."""
    apply_objects(op.get_bind())
