"""A ledger that was restored from a backup: found out by what Temporal knows of cases' money, and made whole."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from aftersale.client.case_money import CaseMoneyReader, ShownCase
from aftersale.errors import AftersaleError, ServiceFault
from aftersale.ledger.case_money import CaseMoney, parse_key
from aftersale.ledger.reports import Adopted, ProviderPayment

if TYPE_CHECKING:
    from aftersale.records import CaseLine, Records

T = TypeVar("T")

_SKEW = timedelta(minutes=1)
"""How far apart the clocks of server and workers may be."""

_AT_ONCE = 10
"""How many histories are read side by side."""

_PATIENCE = 600.0
"""Seconds that an answer over all orders may take."""


class LedgerOlder(AftersaleError):
    """The ledger lacks what cases had it keep; the message names a case and the remedy."""


class Restores:
    """Holds a ledger against what the cases of one Temporal namespace know, which is not restored with it."""

    def __init__(self, client: Client) -> None:
        """Use a connected client."""
        self._reader = CaseMoneyReader(client)

    async def require_whole(self, kept: "Records") -> None:
        """Refuse a ledger that lacks anything which a case had it keep. Raises LedgerOlder, ServiceFault.

        A case goes on only once the ledger has committed, so nothing is lacking unless the ledger lost it.
        """
        async for money in self._in_question(kept):
            if lacking := await _asked(partial(kept.ledger.find_losses, money)):
                raise LedgerOlder(
                    f"the ledger is older than what Temporal knows ({lacking[0]}), as one that was restored from a "
                    "backup: run `aftersale ledger adopt --statement FILE` with all that the payment service ever "
                    "paid, then start the workers. Where AFTERSALE_RECORDS_URL or TEMPORAL_NAMESPACE is wrong, correct "
                    "that instead"
                )

    async def adopt(self, kept: "Records", payments: Sequence[ProviderPayment], now: datetime) -> Adopted:
        """Have the ledger take over what cases know, then what the payment service's statement knows beyond that.

        Safe to repeat. Raises ServiceFault, and as the ledger.
        """
        found = [each async for each in self._in_question(kept)]
        read = {each.case_id for each in found}
        keys = await _asked(partial(kept.ledger.unknown_keys, [each.key for each in payments]))
        named = {parsed[0] for key in keys if (parsed := parse_key(key))} - read
        found += [each for case_id in sorted(named) if (each := await self._read_known(case_id))]
        told = Adopted()
        for each in sorted(found, key=lambda money: (money.since or now, money.case_id)):
            told = told.plus(await _asked(partial(kept.ledger.adopt, each)))
        for payment in payments:
            if payment.status == "succeeded":
                told = told.plus(await _asked(partial(kept.ledger.adopt_payment, payment, now)))
        return told

    async def _in_question(self, kept: "Records") -> AsyncIterator[CaseMoney]:
        """Give the money of cases that may have had the ledger keep something since the last that it knows of."""
        with kept.with_patience(_PATIENCE) as patient:
            latest = await _asked(patient.ledger.latest_instant)
            undecided = await _asked(patient.ledger.undecided_cases)
            since = None if latest is None else latest - _SKEW
            try:
                async for page in self._reader.pages(since):
                    lines = await _asked(partial(patient.cases.lines_of, [each.case_id for each in page]))
                    wanted = [each for each in page if _is_in_question(each, lines, since, undecided)]
                    for at in range(0, len(wanted), _AT_ONCE):
                        some = wanted[at : at + _AT_ONCE]
                        for money in await asyncio.gather(*map(self._read, some)):
                            yield money
            except RPCError as error:
                raise ServiceFault(f"the Temporal server does not say what its cases know ({error.message})") from error

    async def _read(self, shown: ShownCase) -> CaseMoney:
        return await self._reader.read(shown.case_id, shown.run_id)

    async def _read_known(self, case_id: str) -> CaseMoney | None:
        """Return what a case knows; None where Temporal does not know the case, or no more."""
        try:
            return await self._reader.read(case_id)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise ServiceFault(f"the Temporal server does not say what its cases know ({error.message})") from error


def _is_in_question(
    shown: ShownCase, lines: Mapping[str, "CaseLine"], since: datetime | None, undecided: set[str]
) -> bool:
    """Tell whether a case may have moved money since the ledger's last instant.

    One that runs, had not been written to by then, has no payment under way, and stands where the records have it, has
    not: money moves as a case moves.
    """
    line = lines.get(shown.case_id)
    if not shown.is_running or line is None or since is None or shown.case_id in undecided:
        return True
    stands = (line.state.value, line.amount_minor, line.respond_by)
    return line.updated_at >= since or stands != (shown.state, shown.amount_minor, shown.respond_by)


async def _asked(ask: Callable[[], T]) -> T:
    """Return the records' answer, given on a thread since databases block."""
    return await asyncio.to_thread(ask)
