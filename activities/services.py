"""The services outside that a worker may be told of: whoever is named here has settings, a stand-in and its variables.

Payments are not among them: without those no worker begins.
"""

from activities.approvals import Approvals
from activities.carriers import Carriers
from activities.insurance import Insurance
from activities.signed_http import OutsideService

SERVICES: tuple[type[OutsideService], ...] = (Approvals, Insurance, Carriers)
