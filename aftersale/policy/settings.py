"""Data of policy that is no clock of its own: figures and lists of words, each with where it comes from."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from aftersale.policy.clauses import Text
from aftersale.schema import Limit, Schema


class Sourced(Schema):
    """Where a figure comes from: a public text, a law, or our own assumption with its reason."""

    basis: Literal["sourced", "law", "assumed"]
    source: Text | None = None
    reason: Text | None = None

    @model_validator(mode="after")
    def _cited(self) -> Self:
        if self.basis == "assumed" and self.reason is None:
            raise ValueError('basis "assumed" needs a reason; say why this figure')
        if self.basis != "assumed" and self.source is None:
            raise ValueError(f'basis "{self.basis}" needs a source; name the text, or mark it basis = "assumed"')
        return self


class Setting(Sourced):
    """A figure of policy that is no clock of its own."""

    id: Literal["late_fact_grace"]
    value: Limit


class Ceiling(Sourced):
    """How often at most a thing may be done."""

    id: Literal["attempts_per_order_line"]
    most: Annotated[int, Field(strict=True, ge=1)]


class Keywords(Sourced):
    """Words by which a text is known for what it is, whatever else it says; the list is open, so books may add to it.

    "hub_scan": a carrier's words about a hub (S30, S32), where its scan is of no kind that says so.
    """

    id: Literal["hub_scan"]
    words: Annotated[tuple[Text, ...], Field(min_length=1)]
