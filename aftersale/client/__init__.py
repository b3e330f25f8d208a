"""The typed client: what a back end uses to open cases, move them on and look at them.

Every command is an update: the caller learns whether it was taken, and why not. A command carries the instant at which
the caller received it and a request id; repeated with the same request id it is applied once, and other content under
that id is refused.
"""

from aftersale.client.cases import Cases
from aftersale.client.namespace import Namespace
from aftersale.client.reconciliations import Reconciliations
from aftersale.client.restores import LedgerOlder, Restores
from aftersale.contract.request import WORKFLOW_TYPES
from aftersale.errors import CaseNotFound, NoAnswer, Refusal, ServiceFault
from aftersale.temporal.plugin import connect

__all__ = [
    "WORKFLOW_TYPES",
    "CaseNotFound",
    "Cases",
    "LedgerOlder",
    "Namespace",
    "NoAnswer",
    "Reconciliations",
    "Refusal",
    "Restores",
    "ServiceFault",
    "connect",
]
