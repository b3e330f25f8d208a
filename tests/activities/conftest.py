"""Fixtures of the tests of activities: the stand-in platform, and the payment activities wired to it."""

from tests.support.paying import http, hurried, ledger, payments
from tests.support.platform_fixtures import platform

__all__ = ["http", "hurried", "ledger", "payments", "platform"]
