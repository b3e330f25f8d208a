"""The HTTP surface of the stand-in platform."""

import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aftersale.errors import BadInput, bad_input, problems_of
from aftersale.guarantees.claims import Approval
from aftersale.money import RefundInstruction
from trial.platform.faults import Fault, Faults
from trial.platform.services import PAYMENTS, STAND_INS, StandIn
from trial.platform.store import KeyTaken, Store

TRIAL_SECRET = "whsec_" + base64.b64encode(b"no secret: for the trial only").decode()
"""What the trial signs with. Known to everybody, so good for nothing but a trial."""

_Model = TypeVar("_Model", bound=BaseModel)


class Note(BaseModel):
    """A message as apprise's `json://` channel posts it; further fields are kept as they are."""

    model_config = ConfigDict(extra="allow")

    message: str
    title: str = ""
    message_id: str | None = None


def create_app(db_path: Path | None, secret: str) -> Starlette:
    """Give the platform over one SQLite file, or over memory; `secret` (`whsec_…`) is what refunds are signed with."""
    store, faults = Store(db_path), Faults()
    desk = _Desk(store, faults, Webhook(secret))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        store.close()

    app = Starlette(
        routes=[
            *(Route(f"/{path}", desk.instruct, methods=["POST"]) for path in PAYMENTS),
            *(Route(f"/{path}/{{key:path}}", desk.look_up, methods=["GET"]) for path in PAYMENTS),
            Route("/payments", desk.payments, methods=["GET"]),
            *(route for service in STAND_INS.values() for route in _routes(desk, service)),
            Route("/decisions", desk.decide, methods=["POST"]),
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


def _routes(desk: "_Desk", service: StandIn) -> Iterator[Route]:
    path, *cancelling = (f"/{path}" for path in service.paths)
    yield Route(path, partial(desk.ask, service), methods=["POST"])
    yield Route(path, partial(desk.asked, service), methods=["GET"])
    yield from (Route(each, partial(desk.cancel, service), methods=["POST"]) for each in cancelling)


class _Desk:
    """The endpoints."""

    def __init__(self, store: Store, faults: Faults, webhook: Webhook) -> None:
        self._store = store
        self._faults = faults
        self._webhook = webhook
        self._decisions: list[Approval] = []

    async def instruct(self, request: Request) -> Response:
        body = await self._signed_body(request)
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
        self._check_signature(b"", request, f"GET /{request.url.path.split('/')[1]} {key}")

        def find(_: str | None) -> Response:
            payment = self._store.payment(key)
            if payment is None:
                raise HTTPException(404, "nothing is held under this key; send the instruction")
            return JSONResponse(payment)

        return await self._faults.around(request, key, find)

    async def payments(self, _: Request) -> Response:
        return JSONResponse(self._store.payments())

    async def ask(self, service: StandIn, request: Request) -> Response:
        """Answer what is asked of a service, each key alike; what people decide, as they decided beforehand."""
        body = await self._signed_body(request)
        asked = _read(service.asked, body).model_dump(mode="json")
        key, decided = asked["key"], self._decided(asked["key"]) if service.decided else {}

        def answer(declined: str | None) -> Response:
            told = {"reason": declined} if declined else decided
            answered = service.answered.model_validate({"key": key, **service.answer(asked, told)})
            return JSONResponse(self._store.answer(service.path, asked, answered.model_dump(mode="json")))

        return await self._faults.around(request, key, answer)

    async def cancel(self, service: StandIn, request: Request) -> Response:
        """Cancel what was asked of a service."""
        await self._signed_body(request)
        key = request.headers.get("idempotency-key", "")

        def answer(_: str | None) -> Response:
            return Response(status_code=200 if self._store.cancel(service.path, key) else 404)

        return await self._faults.around(request, key, answer)

    async def asked(self, service: StandIn, _: Request) -> Response:
        """Return all that a service was asked, with its answers."""
        return JSONResponse(self._store.asked(service.path))

    async def decide(self, request: Request) -> Response:
        """Decide beforehand on the claims whose key contains this one's."""
        self._decisions.insert(0, _read(Approval, await request.body()))
        return Response(status_code=204)

    def _decided(self, key: str) -> dict[str, Any]:
        found = next((each for each in self._decisions if each.key in key), None)
        return found.model_dump(exclude={"key"}, exclude_unset=True) if found else {}

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

    async def _signed_body(self, request: Request) -> bytes:
        body = await request.body()
        key = request.headers.get("idempotency-key", "")
        self._check_signature(body, request, f"{request.method} {request.url.path} {key}")
        return body

    def _check_signature(self, body: bytes, request: Request, purpose: str) -> None:
        if request.headers.get("webhook-id") != purpose:
            raise HTTPException(
                401, f"webhook-id is not {purpose}: what is signed for one purpose is good for no other"
            )
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
