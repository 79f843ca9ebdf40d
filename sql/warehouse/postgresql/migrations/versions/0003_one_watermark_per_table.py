"""One watermark per table (law X6), a ledger of files (law X11) and a transformation log."""

from alembic import op

from etl.warehouse.migrations import apply_objects

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Of several watermarks of one table the lowest stays: what is read again is not written again."""
    connection = op.get_bind()
    connection.exec_driver_sql(
        "delete from audit.watermarks as w using audit.watermarks as lower"
        " where lower.table_name = w.table_name"
        " and (lower.value, lower.pipeline) < (w.value, w.pipeline)"
    )
    connection.exec_driver_sql("alter table audit.watermarks drop constraint watermarks_pkey")
    connection.exec_driver_sql("alter table audit.watermarks add primary key (table_name)")
    apply_objects(connection)
