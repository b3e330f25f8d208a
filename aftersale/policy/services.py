"""Consumer-guarantee services (安心购) by version, and what was in force when an order was paid (R14)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from aftersale.policy.clauses import Day, RuleId, Text
from aftersale.policy.rules import Status, Zone
from aftersale.policy.service_terms import SETTINGS, Exclusion, Guarantee, Settings
from aftersale.policy.settings import Sourced
from aftersale.policy.validity import days, is_known, midnight
from aftersale.schema import Code, Schema
from aftersale.times import Stretch
from aftersale.vocabulary import ClaimType, Service

Role = Literal["required", "optional", "category"]
"""Whether every merchant offers the service, whoever wants to, or whoever sells its categories (S1-S3)."""


class Version(Sourced):
    """One version of a service (S7): it applies to orders paid from `effective_from` on, and before `effective_until`.

    Drafts and consultations bind nobody. What is repealed ends on a date, and keeps the orders paid before. Where no
    text gives the day of its announcement it counts as known from its first day. `keeps` names an earlier version whose
    settings, claims and exclusions stand on; such a version gives none of its own.
    """

    id: RuleId
    says: Text
    status: Status
    announced: Day | None = None
    effective_from: Day | None = None
    effective_until: Day | None = None
    assumed: Text | None = None
    keeps: RuleId | None = None
    settings: Settings = Settings()
    claim: tuple[Guarantee, ...] = ()
    exclusion: tuple[Exclusion, ...] = ()

    @model_validator(mode="after")
    def _dated(self) -> Self:
        first, end = self.effective_from, self.effective_until
        if self.binds and first is None:
            raise ValueError("a version that binds needs effective_from, the first day of orders it applies to")
        if self.status == "repealed" and end is None:
            raise ValueError("what is repealed ends on a date; add effective_until")
        if first and end and end <= first:
            raise ValueError("effective_until must lie after effective_from; correct one of them")
        if self.binds and first and self.announced and self.announced > first:
            raise ValueError("a version binds once announced; announced may not lie after effective_from")
        return self

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        if self.keeps and self.model_fields_set & {"settings", "claim", "exclusion"}:
            raise ValueError("keeps what another version says; leave out settings, claim and exclusion, or keeps")
        for name, times in Counter([*(row.type for row in self.claim), *(row.id for row in self.exclusion)]).items():
            if times > 1:
                raise ValueError(f"{name} stands twice; give it once")
        return self

    @property
    def binds(self) -> bool:
        """Whether it applies, or did, to anyone's orders."""
        return self.status in ("announced", "in_force", "repealed")


class ServiceFile(Schema):
    """One file of the services' shelf: a guarantee service, or the claims that need none (then without service)."""

    id: RuleId
    title: dict[Literal["zh", "en"], Text]
    zone: Zone
    service: Service | None = None
    role: Role | None = None
    categories: tuple[Code, ...] = ()
    version: Annotated[tuple[Version, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _has_a_role(self) -> Self:
        if (self.service is None) != (self.role is None):
            raise ValueError("service and role go together: a service is required, optional, or of categories")
        if (self.role == "category") != bool(self.categories):
            raise ValueError('categories belong to role = "category", which needs them; correct one of them')
        return self

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        faults = [*self._used_twice(), *self._dangling(), *self._overlaps(), *self._misplaced()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def tz(self) -> ZoneInfo:
        """The zone of every date and hour in the file."""
        return ZoneInfo(self.zone)

    @property
    def claims(self) -> Iterator[tuple[Version, Guarantee]]:
        """Every row on claims, with its version."""
        return ((version, row) for version in self.version for row in version.claim)

    @property
    def offers(self) -> set[str]:
        """What no other file may offer beside this one: the service and its claims."""
        claims = {f"claim {row.type.value!r}" for _, row in self.claims}
        return claims | ({f"service {self.service.value!r}"} if self.service else set())

    def _used_twice(self) -> Iterator[str]:
        for name, times in Counter(version.id for version in self.version).items():
            if times > 1:
                yield f"version id {name!r} is used twice; give each its own"

    def _dangling(self) -> Iterator[str]:
        for place, version in enumerate(self.version):
            earlier = [each.id for each in self.version[:place]]
            if version.keeps is not None and version.keeps not in earlier:
                has = ", ".join(earlier) or "none"
                yield f"{version.id}: keeps names {version.keeps!r}; name a version above it ({has})"

    def _overlaps(self) -> Iterator[str]:
        bound = [version for version in self.version if version.binds]
        for place, version in enumerate(bound):
            for other in bound[:place]:
                if _effect(version, self.tz).meets(_effect(other, self.tz)):
                    yield f"{other.id} and {version.id} apply to the same orders; end one with effective_until"

    def _misplaced(self) -> Iterator[str]:
        own = SETTINGS.get(self.service) if self.service else None
        for version in self.version:
            for name in sorted(version.settings.model_fields_set - {own}):
                yield f"{version.id}: settings.{name} is no figure of {self.service or 'claims alone'}; leave it out"
            if version.exclusion and self.service is not Service.NO_REASON_RETURN:
                yield f"{version.id}: exclusions belong to {Service.NO_REASON_RETURN}; leave them out"


@dataclass(frozen=True)
class Edition:
    """A version that binds, with its file and all that it keeps of earlier ones."""

    file: ServiceFile
    version: Version
    terms: Version
    effect: Stretch
    known: Stretch

    @property
    def settings(self) -> Settings:
        """The figures that hold under this version."""
        return self.terms.settings

    def guarantee(self, claim_type: ClaimType) -> Guarantee | None:
        """Return what this version says of a claim, or None where it knows none of that type."""
        return next((row for row in self.terms.claim if row.type is claim_type), None)


class Services:
    """Every service with its versions, asked by the instant at which an order was paid (R14)."""

    def __init__(self, files: Iterable[ServiceFile] = ()) -> None:
        """Keep the files in a stable order; drafts and consultations are kept for reading, and bind nobody."""
        self.files: Sequence[ServiceFile] = sorted(files, key=lambda file: file.id)
        self._editions = [edition for file in self.files for edition in _editions(file)]

    def file(self, service: Service) -> ServiceFile | None:
        """Return the file of a service."""
        return next((file for file in self.files if file.service is service), None)

    def at(self, service: Service, paid_at: datetime, as_of: datetime | None = None) -> Edition | None:
        """Give the version of a service in force at that instant, by what was known at `as_of`; None where none was."""
        return next((each for each in self.editions(paid_at, as_of) if each.file.service is service), None)

    def guarantee_for(
        self, claim_type: ClaimType, paid_at: datetime, as_of: datetime | None = None
    ) -> tuple[Edition, Guarantee] | None:
        """Give what held of a claim for an order paid at that instant, and by which version; None where nothing did."""
        found = ((each, row) for each in self.editions(paid_at, as_of) if (row := each.guarantee(claim_type)))
        return next(found, None)

    def spans(self, offered: Service | ClaimType) -> Iterator[str]:
        """Return the versions that the book knows of a service or a claim, for a message."""
        for each in self._editions:
            if each.file.service is offered or (isinstance(offered, ClaimType) and each.guarantee(offered)):
                until = each.version.effective_until or "further notice"
                yield f"{each.version.id} for orders from {each.version.effective_from} until {until}"

    def editions(self, paid_at: datetime, as_of: datetime | None = None) -> Iterator[Edition]:
        """Return every version in force at that instant, by what was known at `as_of`."""
        return (each for each in self._editions if paid_at in each.effect and is_known(each.known, as_of))


def _editions(file: ServiceFile) -> Iterator[Edition]:
    by_id = {version.id: version for version in file.version}
    for version in file.version:
        terms = version
        while terms.keeps is not None:
            terms = by_id[terms.keeps]
        if version.binds:
            since = midnight(version.announced or version.effective_from, file.tz)
            yield Edition(file, version, terms, _effect(version, file.tz), Stretch(since))


def _effect(version: Version, zone: ZoneInfo) -> Stretch:
    return days(version.effective_from, version.effective_until, zone)
