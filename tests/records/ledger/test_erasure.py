"""A buyer is erased: no reference and no word is left in any table, and the books add up as before."""

import types
import typing
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from aftersale.case.turn import Turn
from aftersale.contract.message import Message
from aftersale.errors import BadInput, Problem
from aftersale.records import Records, Report
from aftersale.records.ledger.erasure import FREE_TEXT, KEPT
from aftersale.vocabulary import Party
from tests.support.bookkeeping import claim, declined, hold, instruction, pay, reserve
from tests.support.drawing import HOUR, NOW, message, says, tell, turn
from tests.support.tampering import cells

BUYER, SECRET = "B-secret-5", "the parcel smelt of durian"


def live(kept: Records, case_id: str = "C-1", buyer: str = BUYER, order_id: str = "O-1") -> None:
    """A case from its opening to its end, with a secret wherever words can be left."""
    hold(kept.ledger, claim(case_id, order_id=order_id, buyer_ref=buyer))
    refused = instruction(case_id, 10000, order_id=order_id, buyer_ref=buyer)
    kept.ledger.instruct(refused, NOW)
    kept.ledger.settle(declined(refused.key, f"{SECRET} {buyer}"), 1, True, NOW)
    kept.ledger.freeze(order_id, "CB-1", SECRET, NOW)
    kept.ledger.lift(order_id, NOW)
    owed = message(case_id, 1, f"{buyer}: {SECRET}", Party.BUYER, recipient=buyer)
    kept.turns.write([_of(buyer, turn(case_id, 1, SECRET, messages=(owed,)))], now=NOW)
    leased = kept.outbox.lease("m", 10, NOW, HOUR)
    put_off = Report(f"{case_id}/1", refused={"mail": f"{buyer} {SECRET}"}, due=NOW, together=f"buyer/{buyer}")
    kept.outbox.report("m", [put_off for each in leased if each.message.message_id == put_off.message_id], NOW)
    pay(kept.ledger, instruction(case_id, 10000, 2, order_id=order_id, buyer_ref=buyer))
    problems = (Problem(field=f"metadata.{SECRET}", message=SECRET),)
    last = turn(case_id, 2, SECRET, final=True, problems=problems)
    kept.turns.write([_of(buyer, last), _of(buyer, turn(case_id, 3, SECRET, final=True))], now=NOW)
    kept.turns.write([_of(buyer, turn(case_id, 3, f"{SECRET}, said otherwise", attempt=1, final=True))], now=NOW)
    tell(kept, f"{case_id}/1")


def _of(buyer: str, drawn: Turn) -> Turn:
    assert drawn.subject is not None
    return drawn.model_copy(update={"subject": drawn.subject.model_copy(update={"buyer_ref": buyer})})


def traces(url: str, *secrets: str) -> list[str]:
    return [place for place, cell in cells(url) if any(secret in cell for secret in secrets)]


def test_no_reference_and_no_word_is_left_in_any_column(kept: Records, url: str) -> None:
    live(kept)
    assert {place.partition(".")[0] for place in traces(url, BUYER, SECRET)} >= {
        *("turns", "cases", "outbox", "deliveries", "orders", "instructions", "chargebacks")
    }
    kept.ledger.erase(BUYER, NOW)
    assert traces(url, BUYER, SECRET) == []
    if url.startswith("sqlite"):
        for file in Path(url.removeprefix("sqlite:///")).parent.iterdir():
            assert SECRET.encode() not in file.read_bytes(), f"{file.name} still has it in its free pages"


def test_another_buyers_words_stay(kept: Records, url: str) -> None:
    live(kept)
    live(kept, "C-2", "B-6", "O-2")
    before = sorted(place for place, cell in cells(url) if "B-6" in cell)
    kept.ledger.erase(BUYER, NOW)
    assert sorted(place for place, cell in cells(url) if "B-6" in cell) == before
    assert says(kept.turns.of("C-2")) == [SECRET, SECRET, f"{SECRET}, said otherwise"]


def test_sums_ids_and_instants_stay(kept: Records) -> None:
    live(kept)
    before = [posting for posting in kept.ledger.export()], kept.ledger.order_books("O-1"), kept.ledger.check()
    kept.ledger.erase(BUYER, NOW)
    postings, books = list(kept.ledger.export()), kept.ledger.order_books("O-1")
    assert (postings, kept.ledger.check()) == (before[0], [])
    assert books is not None and before[1] is not None and books.lines == before[1].lines


def test_the_record_can_still_be_read_and_a_turn_still_be_superseded(kept: Records) -> None:
    live(kept)
    marks = [written.digest for written in kept.turns.of("C-1", void=True)]
    kept.ledger.erase(BUYER, NOW)
    record = kept.turns.record("C-1")
    assert record is not None and record.is_final and {entry.says for entry in record.timeline} == {"erased"}
    assert [written.digest for written in kept.turns.of("C-1", void=True)] == marks
    again = _of(BUYER, turn("C-1", 3, f"{SECRET}, said otherwise", attempt=1, final=True))
    kept.turns.write([again], now=NOW)
    assert len(kept.turns.of("C-1", void=True)) == 4, "a turn that is written again is known by its digest"


def test_an_erasure_is_itself_on_file_without_the_reference(kept: Records, url: str) -> None:
    live(kept)
    erasure = kept.ledger.erase(BUYER, NOW)
    assert (erasure.cases, erasure.orders, erasure.erased_at) == (1, 1, NOW)
    assert erasure.last_closed_at is not None and erasure.proves(BUYER) and not erasure.proves("B-6")
    assert [cell for place, cell in cells(url) if place == "erasures.digest"] == [erasure.digest]


def test_a_buyer_of_whom_nothing_is_on_file_is_erased_too(kept: Records) -> None:
    erasure = kept.ledger.erase("B-unknown", NOW)
    assert (erasure.cases, erasure.orders, erasure.last_closed_at) == (0, 0, None)


def test_nothing_is_erased_while_a_case_runs_money_moves_or_a_message_waits(kept: Records, url: str) -> None:
    hold(kept.ledger, claim("C-1", buyer_ref=BUYER))
    kept.ledger.instruct(instruction("C-1", 10000), NOW)
    kept.turns.write([_of(BUYER, turn("C-1", 1, messages=(message("C-1", 1),)))], now=NOW)
    before = sorted(cells(url))
    with pytest.raises(BadInput) as caught:
        kept.ledger.erase(BUYER, NOW)
    assert [(each.code, each.message) for each in caught.value.problems] == [
        ("case_open", "has cases that are open, C-1; erase when they are closed"),
        ("payment_pending", "has money on its way, case/C-1/refund/1; erase when it is settled"),
        ("message_pending", "has messages that wait to be sent, C-1/1; erase when they are"),
    ]
    assert sorted(cells(url)) == before


def test_a_buyer_who_comes_back_is_a_buyer_again(kept: Records) -> None:
    live(kept)
    kept.ledger.erase(BUYER, NOW)
    assert reserve(kept.ledger, claim("C-9", 0, buyer_ref=BUYER, kind=claim("C-9").kind)) == []
    kept.ledger.release("C-9", NOW)
    assert kept.ledger.erase(BUYER, NOW + timedelta(days=1)).orders == 1


def test_every_text_of_a_turn_is_either_kept_or_erased_on_purpose() -> None:
    """Whoever adds a field of text to a status, an entry or a message decides here which of the two it is."""
    assert {*texts(Turn), *texts(Message)} - FREE_TEXT - KEPT == set()
    assert not FREE_TEXT & KEPT


def texts(shape: type[BaseModel]) -> Iterator[str]:
    """The names of the fields that may hold text of any kind, in a shape and all that it holds."""
    for name, field in shape.model_fields.items():
        for part in _parts(field.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from texts(part)
            elif part is str:
                yield name


def _parts(annotation: object) -> Iterator[object]:
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not None:
        for part in typing.get_args(annotation):
            yield from _parts(part)
    else:
        yield annotation
