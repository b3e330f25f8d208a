"""Steps of a case, as data: commands that parties give, sign-offs that carriers report, and silences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aftersale.contract.status import Status
from aftersale.times import SECOND, local
from aftersale.vocabulary import Ruling
from tests.support.cases import BUYER, MERCHANT, PLATFORM, yuan
from trial.environment import Live


@dataclass(frozen=True)
class Act:
    """A command that a party gives."""

    command: str
    by: tuple[str, str]
    given: Mapping[str, Any] = field(default_factory=dict)

    async def take(self, live: Live, when: datetime) -> Status:
        """It happens then. Raises Refusal."""
        return await live.act(self.command, *self.by, occurred_at=local(when), **self.given)


@dataclass(frozen=True)
class SignOff:
    """A carrier's report that a parcel was signed for."""

    leg: str
    tracking_no: str

    async def take(self, live: Live, when: datetime) -> Status:
        """It happens then."""
        await self.send(live, when)
        return await live.when_settled()

    async def send(self, live: Live, when: datetime) -> None:
        """It happens then, and is not taken in yet."""
        scan = {"event_id": f"{self.leg}-sign-off", "leg": self.leg, "tracking_no": self.tracking_no}
        await live.handle.signal("parcel_event", {**scan, "event": "signed_for", "occurred_at": local(when)})


@dataclass(frozen=True)
class Silence:
    """Nobody moves until the clock has run out."""

    async def take(self, live: Live, _when: datetime) -> Status:
        """It takes effect."""
        due = (await live.status()).next.respond_by
        assert due is not None
        await live.until(due + 2 * SECOND)
        return await live.when_settled()


Step = Act | SignOff | Silence

APPROVE = Act("approve", MERCHANT)
REJECT = Act("reject", MERCHANT, {"reason_code": "used"})
OFFER = Act("offer", MERCHANT, {"amount": yuan(5000)})
ACCEPT = Act("accept_offer", BUYER)
DECLINE = Act("decline_offer", BUYER)
SHIP = Act("ship_back", BUYER, {"carrier": "sf", "tracking_no": "SF1"})
BACK = SignOff("return", "SF1")
CONFIRM = Act("confirm_receipt", MERCHANT)
REFUSE = Act("refuse_receipt", MERCHANT, {"reason_code": "empty"})
DISPATCH = Act("dispatch", MERCHANT, {"carrier": "sf", "tracking_no": "OUT1"})
DELIVERED = SignOff("outbound", "OUT1")
RECEIVE = Act("confirm_delivery", BUYER)
IRREPARABLE = Act("report_irreparable", MERCHANT)
ESCALATE = Act("escalate", BUYER, {"reason_code": "unfair"})
AMEND = Act("amend", BUYER, {"kind": "refund"})
DISMISS = Act("rule", PLATFORM, {"outcome": Ruling.DISMISSAL, "liability": "buyer"})
AWARD = Act("rule", PLATFORM, {"outcome": Ruling.REFUND, "liability": "merchant"})
WITHDRAW = Act("withdraw", BUYER)
HOLD = Act("hold", PLATFORM)
GRANT = Act("decide_claim", MERCHANT, {"decision": "approve", "amount": yuan(8000)})
GRANT_FOR_THE_GOODS = Act("decide_claim", MERCHANT, {**GRANT.given, "remedy": "return"})
REFUSE_CLAIM = Act("decide_claim", MERCHANT, {"decision": "decline"})
OVERRULE = Act("decide_claim", PLATFORM, GRANT.given)
UPHOLD = Act("decide_claim", PLATFORM, REFUSE_CLAIM.given)
