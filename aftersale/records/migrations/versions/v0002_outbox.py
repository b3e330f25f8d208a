"""Messages that cases owe to parties, and through which channels they went."""

import sqlalchemy as sa
from alembic import op

revision = "v0002"
down_revision = "v0001"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "outbox",
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("party", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("corrects", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("leased_until", INSTANT),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_try_at", INSTANT, nullable=False),
        sa.Column("together", sa.Text),
        sa.Column("last_error", sa.Text),
        sa.Column("sent_at", INSTANT),
    )
    op.create_index("outbox_of_case", "outbox", ["case_id", "seq"])
    op.create_index("outbox_by_next_try", "outbox", ["state", "next_try_at"])
    op.create_index("outbox_by_lease", "outbox", ["lease_owner"])
    op.create_table(
        "deliveries",
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("delivered_at", INSTANT),
        sa.Column("last_error", sa.Text),
    )
