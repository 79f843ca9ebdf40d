"""Runs revisions on the connection that ``etl/warehouse/migrations.py`` opened and commits."""

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"], version_table_schema=attributes["version_table_schema"]
)
context.run_migrations()
