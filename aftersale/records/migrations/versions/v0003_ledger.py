"""The refund ledger: what orders paid, what cases hold of it, what was instructed; notices and erasures."""

import sqlalchemy as sa
from alembic import op

revision = "v0003"
down_revision = "v0002"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables: orders, then cases' holds on them, then what moved, then notices and erasures."""
    _orders()
    _reservations()
    _instructions()
    _notices()


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Text, primary_key=True),
        sa.Column("merchant_id", sa.Text),
        sa.Column("buyer_ref", sa.Text),
    )
    op.create_index("orders_of_buyer", "orders", ["buyer_ref"])
    op.create_table(
        "order_lines",
        sa.Column("order_id", sa.Text, primary_key=True),
        sa.Column("order_line_id", sa.Text, primary_key=True),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("paid_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("told_by", sa.Text, nullable=False),
        sa.Column("told_at", INSTANT, nullable=False),
    )
    op.create_table(
        "tenders",
        sa.Column("order_id", sa.Text, primary_key=True),
        sa.Column("order_line_id", sa.Text, primary_key=True),
        sa.Column("tender", sa.Text, primary_key=True),
        sa.Column("paid_minor", sa.BigInteger, nullable=False),
    )


def _reservations() -> None:
    op.create_table(
        "reservations",
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="1"),
        sa.Column("reserved_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
    )
    op.create_index("reservations_of_order", "reservations", ["order_id"])
    op.create_table(
        "reserved_lines",
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("order_line_id", sa.Text, primary_key=True),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
    )
    op.create_index("reserved_lines_of_order", "reserved_lines", ["order_id"])


def _instructions() -> None:
    op.create_table(
        "instructions",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("tender", sa.Text),
        sa.Column("lines", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("instructed_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT),
        sa.Column("provider_ref", sa.Text),
        sa.Column("reason", sa.Text),
    )
    op.create_index("instructions_of_order", "instructions", ["order_id", "instructed_at", "key"])
    op.create_index("instructions_of_case", "instructions", ["case_id"])
    op.create_table(
        "allocations",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("order_line_id", sa.Text, primary_key=True),
        sa.Column("tender", sa.Text, primary_key=True),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "attempts",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("outcome", sa.Text),
    )


def _notices() -> None:
    op.create_table(
        "chargebacks",
        sa.Column("order_id", sa.Text, primary_key=True),
        sa.Column("reference", sa.Text, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("frozen_at", INSTANT, nullable=False),
        sa.Column("lifted_at", INSTANT),
    )
    op.create_table(
        "erasures",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("cases", sa.Integer, nullable=False),
        sa.Column("orders", sa.Integer, nullable=False),
        sa.Column("last_closed_at", INSTANT),
        sa.Column("erased_at", INSTANT, nullable=False),
    )
    op.create_index("cases_of_buyer", "cases", ["buyer_ref"])
