"""A fault planted in a copy of the code is found by the check that is there for it."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COPIED = ("activities", "aftersale", "policies", "simulation", "trial", "workflows", "worker.py")


@dataclass(frozen=True)
class Plant:
    """A fault: `there` in a file becomes `instead`, and some of 400 courses must break `rule`.

    They begin at `seed`, whose course meets the fault today, so that few are driven.
    """

    file: str
    there: str
    instead: str
    rule: str
    seed: int = 0


PLANTS = {
    "a workflow that runs ahead of its history": Plant(
        "aftersale/temporal/steady_clock.py",
        "ahead = time == self._time and length > self._length",
        "ahead = False",
        "a replay gives the same commands",
        seed=20,
    ),
    "a request id that is bound to nothing": Plant(
        "workflows/requests.py",
        "known.fingerprint != fingerprint(command, act)",
        "known.fingerprint == ''",
        "a request id stands for one content",
        seed=105,
    ),
    "a scan that is not kept and moves the present": Plant(
        "workflows/entity.py",
        "if self._hear_scan(desk, scan):",
        "if self._hear_scan(desk, scan) or scan:",
        "nothing is recorded before its time",
        seed=17,
    ),
    "a payment keyed anew after a lost answer": Plant(
        "activities/payments.py",
        """        answer = await self._service.post(path, key, body)
        if answer.status_code == httpx.codes.OK:
            return self._service.read(Settlement, answer, key)
""",
        """        attempt = activity.info().attempt
        anew = key if attempt == 1 else f"{key}/{attempt}"
        answer = await self._service.post(path, anew, body)
        if answer.status_code == httpx.codes.OK:
            return self._service.read(Settlement, answer, anew).model_copy(update={"key": key})
""",
        "what the ledger settled is what the provider moved",
        seed=27,
    ),
    "a record written twice": Plant(
        "workflows/cases/recorder.py",
        "self._told = len(standing.timeline)",
        "pass",
        "the records say what the case says",
    ),
    "a turn that is left out of the records": Plant(
        "activities/records.py",
        "self._records.turns.write(turns, now",
        "self._records.turns.write(turns[:1], now",
        "the records say what the case says",
        seed=80,
    ),
    "a hold that lengthens no clock": Plant(
        "aftersale/policy/running.py",
        'return self.question.model_copy(update={"held": duration(total)})',
        "return self.question",
        "every deadline is what the policy book says",
        seed=101,
    ),
    "an act that is taken after the clock has run out": Plant(
        "aftersale/policy/running.py",
        "return self.respond_by is None or at <= self.respond_by",
        "return True",
        "every clock has one outcome, and only legal moves are taken",
        seed=6,
    ),
    "an offered command that is refused": Plant(
        "aftersale/case/validator.py",
        "    if command is Command.ESCALATE and case.ruled:",
        "    if command is Command.DECLINE_OFFER:",
        "every clock has one outcome, and only legal moves are taken",
        seed=3,
    ),
    "a case that never ends": Plant(
        "workflows/cases/stages/refund.py",
        "        await pay(",
        "        await desk.meanwhile(__import__('temporalio.workflow').workflow.wait_condition(lambda: False))\n"
        "        await pay(",
        "a case ends in a final state",
        seed=2,
    ),
    "a party that is asked and can do nothing": Plant(
        "aftersale/case/messages.py",
        "commands=following.commands if asked else (),",
        "commands=(),",
        "whoever is told to act can",
    ),
    "an answer beyond every size": Plant(
        "activities/answers.py", "return cut(text, most)", "return 100 * text", "sizes are bounded", seed=8
    ),
    "an answer that repeats the timeline": Plant(
        "workflows/entity.py", "status.timeline[told:]", "status.timeline", "sizes are bounded"
    ),
    "an answer that is unreadable for a field beside it": Plant(
        "activities/answers.py", 'extra="ignore"', 'extra="forbid"', "whatever is asked is answered in the end", seed=31
    ),
    "a payment that the ledger forgets": Plant(
        "activities/payments.py",
        "self._send(path, instruction)\n        await _asked(",
        "self._send(path, instruction)\n        settlement.status == 'succeeded' or await _asked(",
        "the ledger finds its books in order, and as the provider states them",
    ),
    "a chargeback that declines what may have been sent": Plant(
        "aftersale/records/ledger/settlements.py",
        "            if sent:",
        "            if False:",
        "what the ledger settled is what the provider moved",
        seed=2157,
    ),
    "a retry that gives a number away on a frozen order": Plant(
        "workflows/cases/workflow.py",
        "handling is Handling.TAKE and workflow.patched(_FROZEN_IS_REFUSED)",
        "False",
        "a frozen order's refund is not retried",
        seed=788,
    ),
    "a workflow task that fails": Plant(
        "workflows/cases/stages/escalation.py",
        "            case Escalate():",
        "            case Escalate() if 1 / 0:",
        "no workflow task fails",
        seed=3,
    ),
    "a case that was terminated and keeps its money": Plant(
        "activities/reconciliation.py",
        "await _asked(partial(kept.ledger.release, case_id, now))",
        "pass",
        "a case that is over holds no money",
        seed=223,
    ),
    "a discrepancy that is told in every run": Plant(
        "aftersale/records/reconciliation.py",
        "    return not stands",
        "    return True",
        "a discrepancy is told once",
        seed=223,
    ),
    "a claim paid beyond its cap": Plant(
        "aftersale/guarantees/compensation.py",
        "most = min(terms.cap.get(currency, ceiling), ceiling)",
        "most = ceiling",
        "a claim is paid what the policy and the decision come to",
        seed=8,
    ),
    "a hold without an alarm": Plant(
        "workflows/cases/clocks.py",
        "        await self._set_hold_alarm()\n",
        "",
        "a hold does not lie forgotten",
        seed=30,
    ),
    "a task that fails where nobody awaits it": Plant(
        "workflows/timer.py",
        "        self._wake()\n",
        "        self._wake()\n        assert self._at is None\n",
        "no failure goes unheard",
    ),
    "two local activities in hand at once": Plant(
        "workflows/calls.py",
        "async with _in_turn():",
        "if True:",
        "one local activity is in hand at a time",
        seed=14,
    ),
}


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_a_planted_fault_is_found_by_its_check(plant: Plant, tmp_path: Path) -> None:
    copy = planted(plant, tmp_path)
    how = f"-m simulation --seed {plant.seed} --courses 400 --processes 1 --failures 1"
    command = [sys.executable, *how.split()]
    found = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert found.returncode == 1, found.stdout + found.stderr
    assert f"  {plant.rule}: " in found.stdout, found.stdout
    assert "play it again:  make simulate SEED=" in found.stdout


def planted(plant: Plant, folder: Path) -> Path:
    """A copy of the code with the fault in it; what is compiled is compiled for the copy as well, but for that file."""
    for name in COPIED:
        source, copied = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, copied)
        else:
            shutil.copy(source, copied)
    file = folder / plant.file
    text = file.read_text("utf-8")
    assert text.count(plant.there) == 1, f"{plant.file} has {text.count(plant.there)} times: {plant.there}"
    file.write_text(text.replace(plant.there, plant.instead), "utf-8")
    return folder
