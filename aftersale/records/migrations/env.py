"""Run the migrations by Alembic, in the transaction that `aftersale.records.migrate` has begun."""

from alembic import context

settings = context.config.attributes
context.configure(connection=settings["connection"], version_table=settings["version_table"])
context.run_migrations()
