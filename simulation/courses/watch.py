"""The course of one dispatch watch: clicks, scans, delays and silences, to its end."""

from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

from aftersale.errors import Refusal
from aftersale.policy.book import Book
from aftersale.policy.facts import Facts, MerchantDelay
from aftersale.times import SECOND, local, parse_instant
from aftersale.vocabulary import Clock, Party, WatchState
from aftersale.watch.request import WatchRequest
from aftersale.watch.status import WatchStatus
from simulation.courses import checks
from simulation.courses.course import Over, SteppedCourse
from simulation.courses.people import BUYER, MERCHANT, PLATFORM
from simulation.courses.plan import Sort

PARCELS = ("SF1", "SF2", "SF3")
WORDS = [None, "到达【武汉转运中心】", "已签收", "left the sorting hub"]


class WatchCourse(SteppedCourse[WatchStatus]):
    """One watch on its way."""

    def __init__(self, *given: Any) -> None:
        """Nothing has been sent yet."""
        super().__init__(*given)
        self.asked = self.plan.asked
        self.random = Random(0)
        self.taken: list[tuple[str, dict[str, Any], str, WatchStatus]] = []

    async def status(self) -> WatchStatus:
        """Return the watch as it stands, held against the rules."""
        status = await self.ask(WatchStatus)
        self._check(status)
        return status

    async def when_settled(self) -> WatchStatus:
        """Return the watch once nothing is in hand."""
        await self.settle()
        return await self.status()

    def draw_by(self, random: Random) -> None:
        """Draw by this chance from now on."""
        self.random = random

    async def end(self) -> WatchStatus:
        """Bring the watch to its end: what is still to leave leaves, and its track is proven or runs out."""
        for _ in range(80):
            status = await self.when_settled()
            if status.is_final:
                return status
            due = [view.respond_by for view in status.deadlines if view.respond_by]
            if due or status.state is WatchState.AWAITING_SCANS:
                await self.pass_to(max(min(due, default=self.now + timedelta(days=2)), self.now) + 2 * SECOND)
            else:
                await self._send("click", {**_by(MERCHANT), "carrier": "sf", "tracking_no": f"LAST-{self.sent}"})
        raise checks.Broken("a watch ends", f"it stays {status.state}: {status}")

    # Steps

    async def take(self, sort: Sort, before: WatchStatus) -> None:
        """Have something of this sort happen to the watch."""
        match sort:
            case Sort.MOVE:
                await self._send(*self._act())
            case Sort.REPEAT:
                await self._repeat()
            case Sort.SCAN:
                await self._scan()
            case Sort.TOGETHER:
                calls: list[Any] = [self._send(*self._act()), self._scan(), self._scan()]
                self.random.shuffle(calls)
                for answer in await self.together(calls, self.random):
                    if isinstance(answer, BaseException) and not isinstance(answer, Over):
                        raise answer
            case Sort.TIME | Sort.EDGE | Sort.CHARGEBACK:
                await self._time(before)
            case Sort.SPOILED:
                await self._spoiled()
            case Sort.PUBLISH:
                self.world.publish(overlap=timedelta(minutes=2))
                await self.signal("policy_published", {"revision": self.world.house.books[-1].revision})
            case Sort.CANCEL:
                if self.random.randrange(4) == 0:
                    self.say("an operator cancels the watch")
                    await self.handle.cancel()

    def _act(self) -> tuple[str, dict[str, Any]]:
        pick, when = self.random.choice, {"occurred_at": local(self.now - self.random.choice([0, 0, 1, 90]) * SECOND)}
        click = {**_by(MERCHANT), "carrier": "sf", "tracking_no": pick(PARCELS), **pick([{}, when])}
        line = self.asked["order"]["lines"][0]
        part = {"lines": [{"order_line_id": line["order_line_id"], "quantity": 1}]}
        acts: list[tuple[str, dict[str, Any]]] = [
            ("click", click),
            ("click", {**click, **part}),
            ("set_delay", {**_by(MERCHANT), "limit": pick(["P5D", "P9D"])}),
            ("cancel_delay", _by(MERCHANT)),
            ("cancel_order", _by(pick([BUYER, PLATFORM]))),
        ]
        return pick([acts[0], acts[0], *acts])

    async def _send(self, name: str, payload: dict[str, Any]) -> WatchStatus | None:
        self.say(f"{name} {payload}")
        request_id = self.fresh_id()
        try:
            answer = await self.update(name, payload, request_id, WatchStatus)
        except Refusal as refusal:
            self.say(f"  refused: {refusal}")
            with checks.holding("a refusal names the field, or the reason"):
                assert refusal.code in ("bad_input", "illegal_move", "wrong_party"), refusal.code
            return None
        self.taken.append((name, payload, request_id, answer))
        return await self.whole(answer, self._check)

    async def _repeat(self) -> None:
        """Send an act that was taken again under its id: it gets the answer that it got. Another one gets none."""
        if not self.taken:
            return
        name, payload, request_id, answer = self.random.choice(self.taken)
        self.say(f"{name} {payload} again, as {request_id}")
        before = len((await self.status()).timeline)
        with checks.holding("a command that is repeated is taken once"):
            again = await self.update(name, payload, request_id, WatchStatus)
            assert again == answer, "it was answered otherwise"
        other, given = self._act()
        if _content(other, given) != _content(name, payload):
            await self.conflicting(other, given, request_id, WatchStatus)
        with checks.holding("a command that is repeated is taken once"):
            new = (await self.status()).timeline[before:]
            assert all(entry.request_id is None for entry in new), new

    async def _spoiled(self) -> None:
        name, payload = self._act()
        carrier = {"actor": {"party": "carrier", "id": "x"}}
        ways: list[Any] = [None, [], {}, {**payload, "surprise": 1}, {**payload, **carrier}]
        self.say(f"{name}, spoiled")
        before = await self.status()
        try:
            await self.update(name, self.random.choice(ways), self.fresh_id(), WatchStatus)
        except Refusal:
            after = await self.status()
            with checks.holding("what is refused changes nothing"):
                new = after.timeline[len(before.timeline) :]
                assert {entry.by for entry in new} <= {"timer", "policy", Party.SYSTEM}, new
        else:
            raise checks.Broken("every command that is not offered is refused", f"{name} was taken, spoiled")

    async def _scan(self) -> None:
        pick = self.random.choice
        when = self.now - pick([0, 0, 1, 60, 3000, -600]) * 60 * SECOND
        event, number, text = pick(["picked_up", "picked_up", "hub", "signed_for"]), pick(PARCELS), pick(WORDS)
        scan = {"event_id": f"scan-{self.random.randrange(20)}", "leg": "outbound", "tracking_no": number}
        self.say(f"scan of {number}: {event} of {local(when)}, {text}")
        said = {"text": text} if text else {}
        await self.signal("parcel_event", {**scan, "event": event, "occurred_at": local(when), **said})

    async def _time(self, before: WatchStatus) -> None:
        due = [view.respond_by for view in before.deadlines if view.respond_by and view.respond_by > self.now]
        ahead = [self.now + span for span in (timedelta(minutes=5), timedelta(hours=20), timedelta(days=3))]
        edges = [each + step * SECOND for each in due for step in (-1, 0, 1, 2)]
        await self.pass_to(self.random.choice([*ahead, *edges]))

    # What must hold

    def _check(self, status: WatchStatus) -> None:
        with checks.holding("every clock of a watch has one outcome"):
            running = [(view.clock, view.tracking_no) for view in status.deadlines]
            violated = [(each.clock, each.tracking_no) for each in status.violations]
            twice = [each for each, times in Counter([*running, *violated]).items() if times > 1]
            assert not twice, f"{twice} run or are violated twice"
            assert status.is_final == (status.state in (WatchState.ENDED, WatchState.REFUSED))
            for violation in status.violations:
                assert violation.breached_at == violation.respond_by + SECOND <= violation.recorded_at + SECOND
        with checks.holding("every deadline is what the policy book says"):
            self._as_the_book_says(status)
        kept = {each.violation_id: each for each in self.world.house.records.violations.find(limit=None)}
        with checks.holding("the records say what the watch says"):
            for violation in status.violations if self.run.settled else ():
                assert kept.get(violation.violation_id) == violation, f"{violation} is kept otherwise"

    def _as_the_book_says(self, status: WatchStatus) -> None:
        books, request = self.world.house.books, WatchRequest.model_validate(self.asked)
        switches = _switches(status)
        for view in status.deadlines:
            book = next(each for each in books if each.version == view.policy_version)
            order = request.bought.model_copy(update=switches)
            clicked = next((each.clicked_at for each in status.parcels if each.tracking_no == view.tracking_no), None)
            facts: dict[str, Any] = {"order": order} | ({"dispatch_clicked_at": clicked} if clicked else {})
            self._same(book, view, Facts(**facts))
            started = request.order.paid_at if view.clock is Clock.DISPATCH else None
            assert started in (None, view.started_at), f"{view.clock} counts from {view.started_at}"

    @staticmethod
    def _same(book: Book, view: Any, facts: Facts) -> None:
        said = book.deadline(view.clock, facts, view.started_at)
        shown = (view.due_at, view.rules, view.waived)
        assert shown == (said.due_at, said.rules, said.waived), f"{view.clock} shows {shown}, the book says {said}"


def _switches(status: WatchStatus) -> dict[str, Any]:
    """Return the merchant's own delay and its cancellation, as the timeline tells them last."""
    told: dict[str, Any] = {}
    for entry in status.timeline:
        said = entry.says.rpartition(": ")[2]
        if entry.event == "DelaySet":
            given = {"limit": said} if said.startswith("P") else {"until": parse_instant(said)}
            told["merchant_delay"] = MerchantDelay.model_validate({"set_at": entry.at, **given})
        elif entry.event == "DelayCancelled":
            told["delay_cancelled_at"] = entry.at
    return told


def _content(name: str, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return what tells an act from another one: not its stamp."""
    return name, {field: value for field, value in given.items() if field != "occurred_at"}


def _by(actor: tuple[str, str]) -> dict[str, Any]:
    return {"actor": {"party": actor[0], "id": actor[1]}}
