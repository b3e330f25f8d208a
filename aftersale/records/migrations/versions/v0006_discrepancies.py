"""Discrepancies that reconciliations find, so that each is told once."""

import sqlalchemy as sa
from alembic import op

revision = "v0006"
down_revision = "v0005"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "discrepancies",
        sa.Column("discrepancy_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text),
        sa.Column("order_id", sa.Text),
        sa.Column("says", sa.Text, nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("found_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT),
    )
    op.create_index("discrepancies_that_stand", "discrepancies", ["settled_at", "found_at"])
