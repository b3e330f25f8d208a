"""Limits that the parties agree on (S15, R17): named by each, in force once both have named the same."""

from datetime import timedelta

from aftersale.contract.commands import AgreeLimit
from aftersale.times import span
from aftersale.vocabulary import Clock, Party


class Agreements:
    """What was named so far, and the limits that count, as they were written."""

    def __init__(self) -> None:
        self.limits: dict[Clock, str] = {}
        self._named: dict[tuple[Clock, Party], timedelta] = {}

    def agree(self, act: AgreeLimit) -> bool:
        """Put a party's name to a limit; True once it counts: both parties named the same, or the platform did.

        What counts uses up what was named for that clock: to change it takes both parties again, or the platform.
        """
        party = act.actor.party
        limit = self._named[(act.clock, party)] = span(act.limit)
        both = {self._named.get((act.clock, side)) for side in (Party.BUYER, Party.MERCHANT)}
        if party is not Party.PLATFORM and both != {limit}:
            return False
        self.limits[act.clock] = act.limit
        self._named = {key: named for key, named in self._named.items() if key[0] is not act.clock}
        return True
