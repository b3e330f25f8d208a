"""Add the payer of an instruction, where a guarantee names one."""

import sqlalchemy as sa
from alembic import op

revision = "v0004"
down_revision = "v0003"


def upgrade() -> None:
    """Add the column; instructions from before name nobody."""
    op.add_column("instructions", sa.Column("payer", sa.Text))
