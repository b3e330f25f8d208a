"""The HTTP surface of the stand-in platform."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aftersale.errors import BadInput, bad_input, problems_of
from aftersale.guarantees.claims import Approval, ClaimReview
from aftersale.guarantees.freight_insurance import InsurerAnswer, InsurerRequest
from aftersale.guarantees.home_pickup import Pickup, PickupOrder
from aftersale.money import Money, RefundInstruction
from trial.platform.faults import Fault, Faults
from trial.platform.store import KeyTaken, Store

TRIAL_SECRET = "whsec_" + base64.b64encode(b"no secret: for the trial only").decode()
"""What the trial signs with. Known to everybody, so good for nothing but a trial."""


TARIFF = Money(amount_minor=1_000, currency="CNY")
"""What the insurer pays for a return whose cost nobody told."""

_Model = TypeVar("_Model", bound=BaseModel)


class Note(BaseModel):
    """A message as apprise's `json://` channel posts it; further fields are kept as they are."""

    model_config = ConfigDict(extra="allow")

    message: str
    title: str = ""
    message_id: str | None = None


def create_app(db_path: Path, secret: str) -> Starlette:
    """Give the platform over one SQLite file; `secret` (`whsec_…`) is what refund instructions must be signed with."""
    store, faults = Store(db_path), Faults()
    desk = _Desk(store, faults, Webhook(secret))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        store.close()

    app = Starlette(
        routes=[
            *(Route(path, desk.instruct, methods=["POST"]) for path in ("/refunds", "/clawbacks")),
            *(Route(f"{path}/{{key:path}}", desk.look_up, methods=["GET"]) for path in ("/refunds", "/clawbacks")),
            Route("/payments", desk.payments, methods=["GET"]),
            Route("/claims", desk.review, methods=["POST"]),
            Route("/claims", desk.claims, methods=["GET"]),
            Route("/decisions", desk.decide, methods=["POST"]),
            Route("/freight-claims", desk.insure, methods=["POST"]),
            Route("/freight-claims", desk.freight, methods=["GET"]),
            Route("/pickups", desk.book, methods=["POST"]),
            Route("/pickups", desk.pickups, methods=["GET"]),
            Route("/pickups/cancel", desk.cancel, methods=["POST"]),
            Route("/inbox", desk.receive, methods=["POST"]),
            Route("/inbox", desk.messages, methods=["GET"]),
            Route("/faults", desk.arm, methods=["POST"]),
            Route("/faults", desk.faults, methods=["GET"]),
            Route("/faults", desk.clear, methods=["DELETE"]),
            Route("/faults/release", desk.release, methods=["POST"]),
        ],
        exception_handlers={BadInput: _refused, HTTPException: _failed},
        lifespan=lifespan,
    )
    app.state.faults = faults
    return app


class _Desk:
    """The endpoints."""

    def __init__(self, store: Store, faults: Faults, webhook: Webhook) -> None:
        self._store = store
        self._faults = faults
        self._webhook = webhook
        self._decisions: list[Approval] = []

    async def instruct(self, request: Request) -> Response:
        body = await request.body()
        self._check_signature(body, request)
        instruction = _read(RefundInstruction, body)
        if request.headers.get("idempotency-key") != instruction.key:
            raise bad_input("Idempotency-Key", "must be the instruction's key; send it along")

        def settle(decline: str | None) -> Response:
            try:
                return JSONResponse(self._store.settle(instruction, decline).model_dump())
            except KeyTaken:
                raise HTTPException(409, "this key is held by another instruction; look it up") from None

        return await self._faults.around(request, instruction.key, settle)

    async def look_up(self, request: Request) -> Response:
        key = request.path_params["key"]

        def find(_: str | None) -> Response:
            payment = self._store.payment(key)
            if payment is None:
                raise HTTPException(404, "nothing is held under this key; send the instruction")
            return JSONResponse(payment)

        return await self._faults.around(request, key, find)

    async def payments(self, _: Request) -> Response:
        return JSONResponse(self._store.payments())

    async def review(self, request: Request) -> Response:
        """Answer a claim as was decided beforehand for a part of its key; others wait for a person."""
        body = await request.body()
        self._check_signature(body, request)
        claim = _read(ClaimReview, body)
        told = next((each for each in self._decisions if each.key in claim.key), None)
        decided = told.model_copy(update={"key": claim.key}) if told else Approval(key=claim.key, decision="pending")

        def answer(_: str | None) -> Response:
            return JSONResponse(self._store.review(claim, decided).model_dump(mode="json"))

        return await self._faults.around(request, claim.key, answer)

    async def claims(self, _: Request) -> Response:
        return JSONResponse(self._store.claims())

    async def decide(self, request: Request) -> Response:
        """Decide beforehand on the claims whose key contains this one's."""
        self._decisions.insert(0, _read(Approval, await request.body()))
        return Response(status_code=204)

    async def insure(self, request: Request) -> Response:
        """Pay what is claimed; where nobody knows the cost, a tariff."""
        body = await request.body()
        self._check_signature(body, request)
        wanted = _read(InsurerRequest, body)
        amount = wanted.amount or TARIFF

        def answer(declined: str | None) -> Response:
            paid = InsurerAnswer(key=wanted.key, decision="paid", amount=amount, reference="freight-1")
            refused = InsurerAnswer(key=wanted.key, decision="declined", reason=declined)
            return JSONResponse(self._store.insure(wanted, refused if declined else paid).model_dump(mode="json"))

        return await self._faults.around(request, wanted.key, answer)

    async def freight(self, _: Request) -> Response:
        return JSONResponse(self._store.freight())

    async def book(self, request: Request) -> Response:
        body = await request.body()
        self._check_signature(body, request)
        order = _read(PickupOrder, body)

        def answer(refused: str | None) -> Response:
            booked = Pickup(key=order.key, status="booked", tracking_no=order.key.replace("/", "-")[-64:])
            refusal = Pickup(key=order.key, status="refused", reason=refused)
            return JSONResponse(self._store.book(order, refusal if refused else booked).model_dump(mode="json"))

        return await self._faults.around(request, order.key, answer)

    async def cancel(self, request: Request) -> Response:
        body = await request.body()
        self._check_signature(body, request)
        key = request.headers.get("idempotency-key", "")

        def answer(_: str | None) -> Response:
            return Response(status_code=200 if self._store.cancel(key) else 404)

        return await self._faults.around(request, key, answer)

    async def pickups(self, _: Request) -> Response:
        return JSONResponse(self._store.pickups())

    async def receive(self, request: Request) -> Response:
        note = _read(Note, await request.body())

        def keep(_: str | None) -> Response:
            self._store.receive(note.message_id, note.model_dump())
            return Response(status_code=204)

        return await self._faults.around(request, note.message_id or "", keep)

    async def messages(self, _: Request) -> Response:
        return JSONResponse(self._store.messages())

    async def arm(self, request: Request) -> Response:
        self._faults.arm(_read(Fault, await request.body()))
        return JSONResponse(self._faults.shown(), 201)

    async def faults(self, _: Request) -> Response:
        return JSONResponse(self._faults.shown())

    async def clear(self, _: Request) -> Response:
        self._faults.clear()
        return Response(status_code=204)

    async def release(self, _: Request) -> Response:
        return JSONResponse({"released": self._faults.release()})

    def _check_signature(self, body: bytes, request: Request) -> None:
        try:
            self._webhook.verify(body, dict(request.headers), json_parse=False)
        except (WebhookVerificationError, ValueError):  # the library lets a garbled signature escape as ValueError
            raise HTTPException(
                401, "the signature is missing, wrong or too old; sign with the shared secret"
            ) from None


def _read(model: type[_Model], body: bytes) -> _Model:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise BadInput(problems_of(error)) from None


async def _refused(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


async def _failed(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)
