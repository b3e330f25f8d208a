"""Apply a command that was judged legal: it ends the stage, or changes the case while the stage goes on."""

from collections.abc import Mapping
from types import MappingProxyType

from aftersale.case.validator import take_scan
from aftersale.contract.commands import Act, AddEvidence, AgreeLimit, Extend, Hold, ParcelEvent, Resume
from aftersale.contract.idempotency import mark
from aftersale.policy.facts import Question
from aftersale.policy.running import RunningClock
from aftersale.vocabulary import Clock, Command, State
from workflows.cases.desk import Desk


def apply_command(desk: Desk, command: Command, act: Act) -> None:
    """Put the act on the timeline and on the desk. The procedure acts on it; nobody waits here."""
    case, at = desk.case, desk.at(act)
    case.note(EVENTS[command], act_in_words(command, act), act.actor.party, at, desk.now, **mark(command, act))
    case.quotas.use(act.actor.party, command)
    match act:
        case AddEvidence():
            pass  # the file grows, and nothing else
        case AgreeLimit():
            if case.agreements.agree(act):
                desk.clocks.requote(f"a limit of {act.limit} was agreed", lambda running: _agreed(running, act))
        case Extend():
            extended = case.stage_clock and case.stage_clock.clock
            desk.clocks.requote(
                f"extended by the {act.actor.party}",
                lambda running: running.extension_question() if running.clock is extended else running.question,
            )
        case Hold():
            case.hold(at)
        case Resume():
            since, until = case.resume(at)
            desk.clocks.requote("the platform's hold is over", lambda running: running.hold_question(since, until))
        case _:
            desk.hear(act)
    desk.wake()


def hear_scan(desk: Desk, scan: ParcelEvent) -> bool:
    """Keep a scan, and return whether it was kept.

    A sign-off from before the receipt, reported after it, is where a replacement counts from (S27).
    """
    case, clock = desk.case, desk.case.stage_clock
    kept = take_scan(case, scan, desk.present.second)
    if clock is None or clock.clock is not Clock.REPLACEMENT_DISPATCH or scan != case.parcels.sign_off("return"):
        return kept
    if case.state is State.AWAITING_MERCHANT_DISPATCH and scan.occurred_at < clock.question.started_at:
        desk.clocks.requote("the goods had been signed for before the receipt", lambda running: _since(running, scan))
    return kept


def _since(running: RunningClock, scan: ParcelEvent) -> Question:
    if running.clock is not Clock.REPLACEMENT_DISPATCH:
        return running.question
    return running.question.model_copy(update={"started_at": scan.occurred_at})


EVENTS: Mapping[Command, str] = MappingProxyType(
    {
        Command.APPROVE: "Approved",
        Command.REJECT: "Rejected",
        Command.OFFER: "Offered",
        Command.ACCEPT_OFFER: "OfferAccepted",
        Command.DECLINE_OFFER: "OfferDeclined",
        Command.SHIP_BACK: "SentBack",
        Command.CONFIRM_RECEIPT: "ReceiptConfirmed",
        Command.REFUSE_RECEIPT: "ReceiptRefused",
        Command.DISPATCH: "Dispatched",
        Command.CONFIRM_DELIVERY: "DeliveryConfirmed",
        Command.REPORT_IRREPARABLE: "Irreparable",
        Command.AMEND: "Amended",
        Command.ESCALATE: "Escalated",
        Command.RULE: "Ruled",
        Command.DECIDE_CLAIM: "ClaimDecided",
        Command.ADD_EVIDENCE: "EvidenceAdded",
        Command.WITHDRAW: "Withdrawn",
        Command.EXTEND: "ExtensionTaken",
        Command.AGREE_LIMIT: "LimitProposed",
        Command.HOLD: "Held",
        Command.RESUME: "Resumed",
        Command.RETRY_REFUND: "RefundRetried",
    }
)
"""What a command is called once it has happened."""


_NOT_TOLD = ("actor", "occurred_at", "request_id")


def act_in_words(command: Command, act: Act) -> str:
    """Return the act in words: the command, and what was given with it; evidence is counted, the command has it."""
    given = act.model_dump(mode="json", exclude=set(_NOT_TOLD), exclude_none=True, exclude_defaults=True)
    if pieces := len(given.get("evidence", ())):
        given["evidence"] = f"of {pieces} piece{'s' * (pieces > 1)}"
    about = ", ".join(f"{name} {value}" for name, value in given.items())
    return f"{command.words}{': ' if about else ''}{about}"


def _agreed(running: RunningClock, act: AgreeLimit) -> Question:
    if running.clock is not act.clock:
        return running.question
    agreed = {**running.question.agreed_limits, act.clock: act.limit}
    return running.question.model_copy(update={"agreed_limits": agreed})
