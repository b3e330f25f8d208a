"""Violations of shipments: late dispatch, false dispatch, false tracking."""

import sqlalchemy as sa
from alembic import op

revision = "v0005"
down_revision = "v0004"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "violations",
        sa.Column("violation_id", sa.Text, primary_key=True),
        sa.Column("shipment_id", sa.Text, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("merchant_id", sa.Text, nullable=False),
        sa.Column("clock", sa.Text, nullable=False),
        sa.Column("tracking_no", sa.Text),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("breached_at", INSTANT, nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("policy_version", sa.Text, nullable=False),
        sa.Column("counts_for_score", sa.Boolean, nullable=False),
        sa.Column("cleared_at", INSTANT),
        sa.Column("claim_case_id", sa.Text),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_index("violations_in_order", "violations", ["breached_at", "violation_id"])
    op.create_index("violations_of_merchant", "violations", ["merchant_id", "breached_at", "violation_id"])
    op.create_index("violations_of_order", "violations", ["order_id"])
