"""What these tests share: the stand-in platform, and the payment activities wired to it."""

from tests.activities.paying import http, ledger, payments
from tests.platform_fixtures import platform

__all__ = ["http", "ledger", "payments", "platform"]
