"""Judge a command: may this party give it, in this state, at the instant at which it happened? Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from enum import Enum

from aftersale import bounds
from aftersale.case.case import Case
from aftersale.case.moves import MOVES, PARTIES, legal
from aftersale.contract.commands import (
    Act,
    AddEvidence,
    Amend,
    ConfirmReceipt,
    DecideClaim,
    Dispatch,
    Offer,
    ParcelEvent,
    ReceivedItem,
    Rule,
)
from aftersale.contract.idempotency import conflict
from aftersale.contract.quotas import Extra
from aftersale.contract.request import CaseRequest
from aftersale.errors import BadInput, CommandRefused, refusal
from aftersale.guarantees.compensation import MustBeStated
from aftersale.money import Sum, total
from aftersale.policy.running import CLOCK_SKEW
from aftersale.times import floor, local
from aftersale.vocabulary import CaseKind, Command, Party, Ruling, State


class Handling(Enum):
    """What becomes of a command that was not refused."""

    TAKE = "take"
    WAIT = "wait"
    """The case is settling, or the act happened after its clock ran out and the lapse is not taken yet: ask again."""
    CORRECT = "correct"
    """It belongs to a stage whose lapse was executed: the platform hears of it, nothing is undone (R15)."""


def validate(case: Case, command: Command, act: Act, at: datetime, now: datetime, *, settling: bool) -> Handling:
    """Return what becomes of a command that happened at `at` and is handled at `now`. Raises CommandRefused."""
    _own_party(case.request, command, act)
    if isinstance(act, ConfirmReceipt) and act.items is not None:
        _claimed_goods(case.request, act.items)
    if isinstance(act, Sum):
        _within_what_is_owed(case, act)
    if isinstance(act, Offer | Amend) and act.kind is CaseKind.CLAIM:
        raise refusal("bad_input", "kind", "cannot become a claim; open the claim as a case of its own")
    if isinstance(act, Amend) and case.breached and act.kind is not CaseKind.REFUND:
        raise refusal("bad_input", "kind", "can be refund only, once what was due was not sent; write refund")
    if isinstance(act, DecideClaim) and act.decision == "approve":
        _payable(case, act)
    if isinstance(act, AddEvidence):
        _within_its_pieces(case, act)
    if isinstance(act, Dispatch) and act.replaced and case.kind is not CaseKind.REPAIR:
        raise refusal("bad_input", "replaced", "is for repairs; leave it out")
    if isinstance(act, Rule) and act.outcome is Ruling.RETURN and case.taken_in:
        raise refusal(
            "bad_input", "outcome", "cannot be return: the goods are with the merchant; rule refund or replacement"
        )
    if at > now + CLOCK_SKEW:
        raise refusal(
            "bad_input",
            "occurred_at",
            f"lies in the future of the case, which is at {local(now)}; send the instant of the act",
        )
    if settling or _passed(case, at):
        return Handling.WAIT
    moves = legal(case.state, case.kind, held=case.held_since is not None)
    move = moves.get(command)
    # A stage, or a hold, that began with an act stamped a little ahead takes the honest acts of now.
    what, began = "stage", min(case.since, now)
    if command is Command.RESUME and case.held_since is not None:
        what, began = "hold", min(case.held_since, now)
    if move is None or at < began:
        if _belongs_to_lapsed(case, command, at):
            if reason := _no_correction(case, act):
                raise refusal("illegal_move", "", f"{command} is too late, and {reason}; {_legal_now(case, at)}")
            return Handling.CORRECT
        if move is not None:
            raise refusal(
                "bad_input",
                "occurred_at",
                f"lies before this {what} began at {local(began)}; send the instant of the act",
            )
        raise refusal("illegal_move", "", _illegal(case, command, at))
    if act.actor.party not in move.parties:
        raise refusal("wrong_party", "actor.party", f"{command} is not for the {act.actor.party} here")
    if reason := reason_to_refuse(case, command, act.actor.party, at):
        raise refusal(
            "illegal_move", "", f"{command} is refused in state {case.state}: {reason}; {_legal_now(case, at)}"
        )
    return Handling.TAKE


def reason_to_refuse(case: Case, command: Command, party: Party, at: datetime) -> str | None:
    """Say why a command that the table of moves allows is not to be had now, or None."""
    if command is Command.EXTEND:
        return case.stage_clock.extension_refused(party, at) if case.stage_clock else "no clock to extend"
    if command is Command.DECIDE_CLAIM and party is not case.awaited:
        return f"it is for the {case.awaited} to decide"
    if command is Command.ESCALATE and case.ruled:
        return "the platform rules once, and has ruled"
    if command is Command.AMEND and case.state is State.AWAITING_MERCHANT_DISPATCH and not case.breached:
        return "the money may be taken instead once the merchant's time to send has run out"
    if command is Command.AMEND and case.breached:
        return None
    if command is Command.ADD_EVIDENCE and (reason := case.quotas.used_up(party, Extra.PIECES)):
        return reason
    return case.quotas.used_up(party, command)


def instant_of(act: Act, now: datetime) -> datetime:
    """Say when the act happened: as its back end says, else now; floored to the second (R4, R15)."""
    return act.occurred_at or floor(now)


def _own_party(request: CaseRequest, command: Command, act: Act) -> None:
    party, parties = act.actor.party, PARTIES[command]
    if party not in parties:
        wanted = " or ".join(sorted(parties))
        raise refusal("wrong_party", "actor.party", f"{command} is given by {wanted}, not by {party}")
    own = {Party.MERCHANT: request.merchant_id, Party.BUYER: request.buyer_ref}.get(party)
    if own is not None and act.actor.id != own:
        raise refusal("wrong_party", "actor.id", f"is not this case's {party}; send the {party}'s own reference")


def _passed(case: Case, at: datetime) -> bool:
    """Tell whether the stage's clock had run out by then: what was legal is for the stage after the lapse to say."""
    return case.stage_clock is not None and case.held_since is None and not case.stage_clock.in_time(at)


def _claimed_goods(request: CaseRequest, received: Sequence[ReceivedItem]) -> None:
    claimed = {item.order_line_id: item.quantity for item in request.items}
    told, counted = set[tuple[str, str | None]](), Counter[str]()
    for index, item in enumerate(received):
        field, most = f"items.{index}", claimed.get(item.order_line_id)
        if most is None:
            known = ", ".join(claimed)
            raise refusal("bad_input", f"{field}.order_line_id", f"is not claimed back; the lines claimed are {known}")
        if (item.order_line_id, item.condition) in told:
            said = "is named twice in one condition; put what is in the same condition into one item"
            raise refusal("bad_input", f"{field}.order_line_id", said)
        told.add((item.order_line_id, item.condition))
        counted[item.order_line_id] += item.quantity
        if counted[item.order_line_id] > most:
            raise refusal("bad_input", f"{field}.quantity", f"is more than the {most} that were claimed; correct it")
    if not any(item.arrived for item in received):
        raise refusal("bad_input", "items", "say that nothing arrived; send refuse_receipt for that")


def _within_what_is_owed(case: Case, said: Sum) -> None:
    owed, currency = case.refunds.refundable(), case.request.items[0].requested.currency
    most = {line.order_line_id: line.amount_minor for line in owed}
    if said.amount is not None and said.amount.currency != currency:
        raise refusal("bad_input", "amount.currency", f"must be {currency}, as paid")
    if said.amount is not None and not 0 < said.amount.amount_minor <= total(owed):
        raise refusal("bad_input", "amount.amount_minor", f"must be from 1 to the {total(owed)} that were asked for")
    named = Counter(line.order_line_id for line in said.lines or ())
    for index, line in enumerate(said.lines or ()):
        field = f"lines.{index}"
        if line.order_line_id not in most or named[line.order_line_id] > 1:
            known = ", ".join(most)
            raise refusal("bad_input", f"{field}.order_line_id", f"must be one of {known}, each named once")
        if not 0 < line.amount_minor <= most[line.order_line_id]:
            asked = f"must be from 1 to the {most[line.order_line_id]} that were asked for; leave the line out for none"
            raise refusal("bad_input", f"{field}.amount_minor", asked)


def _payable(case: Case, decided: DecideClaim) -> None:
    if case.terms is None:
        return
    try:
        award = case.terms.award(case.request, decided)
    except BadInput as error:
        raise CommandRefused(error.problems[0]) from None
    if isinstance(award, MustBeStated):
        least, most = max(award.least_minor, 1), award.most_minor
        raise refusal("bad_input", "amount", f"must be given, from {least} to {most} minor: {award.why}")


def _no_correction(case: Case, act: Act) -> str | None:
    pieces = case.quotas.used_up(act.actor.party, Extra.PIECES) if isinstance(act, AddEvidence) else None
    return pieces or case.quotas.used_up(act.actor.party, Extra.CORRECTIONS)


def _within_its_pieces(case: Case, act: AddEvidence) -> None:
    party, left = act.actor.party, case.quotas.left(act.actor.party, Extra.PIECES)
    if 0 < left < len(act.evidence):
        raise refusal("bad_input", "evidence", f"has more than the {left} pieces that the {party} may still add")


def _belongs_to_lapsed(case: Case, command: Command, at: datetime) -> bool:
    return any(command in moves and case.has_lapsed_at(state, at) for state, moves in MOVES.items())


def _illegal(case: Case, command: Command, at: datetime) -> str:
    where = f"{case.state.words}, on hold" if case.held_since else case.state.words
    return f"{command} is not legal in state {case.state} ({where}); {_legal_now(case, at)}"


def _legal_now(case: Case, at: datetime) -> str:
    offered = [
        command
        for command, move in legal(case.state, case.kind, held=case.held_since is not None).items()
        if any(reason_to_refuse(case, command, party, at) is None for party in move.parties)
    ]
    return f"legal now: {', '.join(offered) or 'nothing, the case is final'}"


# Carriers' scans


def take_scan(case: Case, scan: ParcelEvent, now: datetime) -> bool:
    """Keep a carrier's scan, once; one that belongs to a stage whose lapse was executed is a correction (R15).

    Returns whether it was kept.
    """
    known = case.parcels.scans.get(scan.event_id)
    if known is not None:
        if known != scan:
            case.refuse_signal(str(conflict("event_id", scan.event_id)), Party.CARRIER, now)
        return False
    if case.parcels.full:
        says = f"a case keeps at most {bounds.SCANS} parcel events; further ones are not kept"
        if all(entry.says != says for entry in case.timeline):
            case.note("SignalRefused", says, Party.CARRIER, now, now)
        return False
    if scan.occurred_at < case.request.order.paid_at or scan.occurred_at > now + CLOCK_SKEW:
        paid_at = local(case.request.order.paid_at)
        says = f"scan {scan.event_id}: occurred_at must lie between the payment at {paid_at} and now"
        case.refuse_signal(says, Party.CARRIER, now)
        return False
    case.parcels.keep(scan)
    says = f"{scan.leg} parcel {scan.tracking_no}: {scan.event}"
    if scan == case.parcels.sign_off("return") and _receipt_lapsed_after(case, scan.occurred_at):
        late = f"{says}, reported after the receipt had lapsed"
        case.correct(late, Party.CARRIER, scan.occurred_at, now)
    else:
        case.note("ParcelScanned", says, Party.CARRIER, scan.occurred_at, now)
    return True


def _receipt_lapsed_after(case: Case, at: datetime) -> bool:
    """Tell whether a receipt lapsed that this instant would have kept from it; parcels travel before their numbers."""
    return any(stage.state is State.AWAITING_MERCHANT_RECEIPT and at <= stage.respond_by for stage in case.lapsed)
