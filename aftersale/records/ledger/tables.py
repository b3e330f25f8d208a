"""The ledger's tables, beside those of the records. Migrations make them; a test holds both together."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from aftersale.records.tables import Moment, Word, cases, metadata
from aftersale.vocabulary import CaseKind, RefundState

orders = Table(
    "orders",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("merchant_id", Text),
    Column("buyer_ref", Text),
)
Index("orders_of_buyer", orders.c.buyer_ref)
Index("cases_of_buyer", cases.c.buyer_ref)

order_lines = Table(
    "order_lines",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("order_line_id", Text, primary_key=True),
    Column("quantity", Integer, nullable=False),
    Column("paid_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("told_by", Text, nullable=False),
    Column("told_at", Moment, nullable=False),
)

tenders = Table(
    "tenders",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("order_line_id", Text, primary_key=True),
    Column("tender", Text, primary_key=True),
    Column("paid_minor", BigInteger, nullable=False),
)

reservations = Table(
    "reservations",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("kind", Word(CaseKind), nullable=False),
    Column("attempt", Integer, nullable=False, server_default="1"),
    Column("reserved_at", Moment, nullable=False),
    Column("closed_at", Moment),
)
Index("reservations_of_order", reservations.c.order_id)

reserved_lines = Table(
    "reserved_lines",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("order_line_id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
)
Index("reserved_lines_of_order", reserved_lines.c.order_id)

instructions = Table(
    "instructions",
    metadata,
    Column("key", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("tender", Text),
    Column("lines", Text, nullable=False),
    Column("state", Word(RefundState), nullable=False),
    Column("instructed_at", Moment, nullable=False),
    Column("settled_at", Moment),
    Column("provider_ref", Text),
    Column("reason", Text),
    Column("payer", Text),
)
Index("instructions_of_order", instructions.c.order_id, instructions.c.instructed_at, instructions.c.key)
Index("instructions_of_case", instructions.c.case_id)

allocations = Table(
    "allocations",
    metadata,
    Column("key", Text, primary_key=True),
    Column("order_line_id", Text, primary_key=True),
    Column("tender", Text, primary_key=True),
    Column("amount_minor", BigInteger, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("began_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("outcome", Text),
)

chargebacks = Table(
    "chargebacks",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("frozen_at", Moment, nullable=False),
    Column("lifted_at", Moment),
)

erasures = Table(
    "erasures",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("salt", Text, nullable=False),
    Column("cases", Integer, nullable=False),
    Column("orders", Integer, nullable=False),
    Column("last_closed_at", Moment),
    Column("erased_at", Moment, nullable=False),
)
