"""The stand-in platform: what the real payment service and message channels are elsewhere, on loopback, in SQLite.

It keeps its word on what the cases rely on (a key pays once, a look-up finds a lost answer, a forged instruction is
refused), and it misbehaves on request (`faults.py`), so that a trial or a test can watch a case cope.
"""

from trial.platform.app import TRIAL_SECRET, create_app
from trial.platform.server import serve

__all__ = ["TRIAL_SECRET", "create_app", "serve"]
