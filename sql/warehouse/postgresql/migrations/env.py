"""Runs revisions on the connection that ``etl/warehouse/postgresql/migrations.py`` opened and commits."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table_schema="audit")
context.run_migrations()
