"""Turns, and the case that they add up to.

A migration is never changed once it is released, and says everything itself: what it imported from the package would
change under it.
"""

import sqlalchemy as sa
from alembic import op

revision = "v0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "turns",
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("history_length", sa.Integer, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column("voided_at", INSTANT),
    )
    holds = sa.text("voided_at IS NULL")
    op.create_index(
        "turns_that_hold", "turns", ["case_id", "seq"], unique=True, sqlite_where=holds, postgresql_where=holds
    )
    op.create_table(
        "cases",
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("party", sa.Text),
        sa.Column("commands", sa.Text, nullable=False),
        sa.Column("respond_by", INSTANT),
        sa.Column("on_timeout", sa.Text),
        sa.Column("is_final", sa.Boolean, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("close_reason", sa.Text),
        sa.Column("merchant_id", sa.Text),
        sa.Column("order_id", sa.Text),
        sa.Column("buyer_ref", sa.Text),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text),
        sa.Column("refund_status", sa.Text, nullable=False),
        sa.Column("held_since", INSTANT),
        sa.Column("policy_version", sa.Text),
        sa.Column("last_seq", sa.Integer, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
    )
    urgency = [sa.text("(respond_by IS NULL)"), sa.text("respond_by"), sa.text("case_id")]
    op.create_index("cases_by_urgency", "cases", ["is_final", *urgency])
    op.create_index("cases_by_merchant", "cases", ["merchant_id", "is_final", *urgency])
    op.create_index("cases_by_state", "cases", ["state", *urgency])
