"""The word that the policy book was published: what the signals `policy_published` and `policy_withdrawn` carry."""

from typing import Annotated

from pydantic import Field, StrictInt

from aftersale.contract.commands import read
from aftersale.policy.revisions import MOST_REVISION
from aftersale.schema import Schema


class PolicyPublished(Schema):
    """The policy book reached this revision; running clocks ask again (R9)."""

    revision: Annotated[StrictInt, Field(ge=0, le=MOST_REVISION)]


def publication(revision: int) -> PolicyPublished:
    """Return what to send of a revision. Raises BadInput for a number that no book can have."""
    return read(PolicyPublished, {"revision": revision}, "signal")
