"""Services outside the house, called over HTTP: signed, under keys that are safe to repeat, with failures told alike.

Whatever leaves open what became of a call is a retryable error, 4xx answers included: those mean a wrong address or
secret, which an operator puts right while the case waits.
"""

import base64
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar
from urllib.parse import quote

import httpx
from pydantic import Field
from standardwebhooks import Webhook
from temporalio.exceptions import ApplicationError

from activities import present
from activities.answers import A, UnreadableAnswer, read_answer
from activities.heartbeat import send_heartbeats
from activities.outside_http import AnswerRefused, ServiceAnswer, exchange, is_loopback
from aftersale.errors import BadInput, Problem
from aftersale.policy.book import Book
from aftersale.schema import Schema

Activities = Sequence[Callable[..., Any]]

_SECRET, _LEAST_BYTES = "whsec_", 24
"""What a shared secret begins with, and how much chance it holds at least, by Standard Webhooks."""


@dataclass(frozen=True)
class ServiceLabels:
    """How one service is spoken of: `code` to programs, `name` to people; `remedy` says what follows a failed call.

    Operators set `AFTERSALE_<CODE>_URL` and `AFTERSALE_<CODE>_SECRET`: `meaning` tells them whose address that is, and
    `unset` what happens without one.
    """

    code: str
    name: str
    remedy: str
    meaning: str = ""
    unset: str = ""

    @property
    def variables(self) -> tuple[str, str]:
        """The names of the two environment variables, of its address and of the secret."""
        return f"AFTERSALE_{self.code.upper()}_URL", f"AFTERSALE_{self.code.upper()}_SECRET"


class ServiceAddress(Schema):
    """Where a service is asked, and the secret (`whsec_…`) that signs what it is asked."""

    url: str
    secret: Annotated[str, Field(repr=False)] = ""


class SignedService:
    """One service at its address."""

    def __init__(self, http: httpx.AsyncClient, labels: ServiceLabels, base_url: str, secret: str) -> None:
        """Call `base_url` through `http`, signing with `secret` (`whsec_…`).

        The client's own timeout should be shorter than the activity's, so that an attempt ends by itself. Raises
        BadInput, without repeating the secret, for an address or a secret that cannot be used.
        """
        self._http, self._labels = http, labels
        said = {"base_url": _wrong_address(base_url), "secret": _wrong_secret(secret)}
        if problems := [Problem(field=f"{labels.code}.{name}", message=wrong) for name, wrong in said.items() if wrong]:
            raise BadInput(problems)
        self._address, self._signer = base_url.rstrip("/"), Webhook(secret)

    async def post(self, path: str, key: str, body: str) -> ServiceAnswer:
        """Send what bears the key. Raises a retryable error where no answer comes, or one beyond its bounds."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key, **self._signed("POST", path, key, body)}
        request = self._http.build_request("POST", f"{self._address}/{path}", content=body, headers=headers)
        return await self._exchange(key, request)

    async def answer(self, path: str, key: str, body: str, model: type[A]) -> A:
        """Send what bears the key, with signs of life, until 200 answers it. Raises a retryable error for all else."""
        async with send_heartbeats():
            answer = await self.post(path, key, body)
        if answer.status_code != httpx.codes.OK:
            raise self.refusal(answer, key)
        return self.read(model, answer, key)

    async def get(self, path: str, key: str) -> ServiceAnswer:
        """Ask what is held under the key. Raises as `post`."""
        # One path segment: a case id may be "..", which proxies would resolve.
        address = f"{self._address}/{path}/{quote(key, safe='')}"
        return await self._exchange(
            key, self._http.build_request("GET", address, headers=self._signed("GET", path, key))
        )

    def read(self, model: type[A], answer: ServiceAnswer, key: str) -> A:
        """Give the answer's body, believed only if it is well formed and about `key`; its values are never repeated."""
        try:
            found = read_answer(model, answer.content)
        except UnreadableAnswer as error:
            raise self.failure("garbled", f"the {self._labels.name}'s answer cannot be read at: {error}", key) from None
        if getattr(found, "key", None) != key:
            raise self.failure("garbled", f"the {self._labels.name} answered about another key", key)
        return found

    def refusal(self, answer: ServiceAnswer, key: str) -> ApplicationError:
        """Return what to raise for an answer that settles nothing."""
        status, name = answer.status_code, self._labels.name
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            said = f"the {name} refused the signature ({status}): check the shared secret and this machine's clock"
            return self.failure("misconfigured", said, key)
        if status == httpx.codes.CONFLICT:
            return self.failure("busy", f"the {name} says the key is in use (409), yet holds nothing under it", key)
        if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
            return self.failure("unavailable", f"the {name} is failing or overloaded ({status})", key)
        said = f"the {name} did not take the request ({status}): check its address and that its version matches"
        return self.failure("misconfigured", said, key)

    def failure(self, kind: str, said: str, key: str) -> ApplicationError:
        """Return what to raise while it is not known what became of the key; `type` is `<code>_<kind>`."""
        return ApplicationError(f"{said}; {key} {self._labels.remedy}", type=f"{self._labels.code}_{kind}")

    def _signed(self, method: str, path: str, key: str, body: str = "") -> dict[str, str]:
        """Return the headers of Standard Webhooks, whose id says what is asked of which key.

        So what was signed for one purpose is good for no other: a look-up for no other key, an instruction to refund
        not to take back. The address before the path is left out, since what stands before a service may change it.
        """
        now = present.now()  # aware and UTC: the library takes the wall time of any other zone for UTC
        message_id = f"{method} /{path} {key}"
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(message_id, now, body),
        }

    async def _exchange(self, key: str, request: httpx.Request) -> ServiceAnswer:
        try:
            return await exchange(self._http, request)
        except AnswerRefused as error:
            raise self.failure("garbled", f"the {self._labels.name}'s answer {error}", key) from None
        except (TimeoutError, httpx.TimeoutException) as error:
            raise self.failure("unreachable", f"the {self._labels.name} did not answer in time", key) from error
        except httpx.RequestError as error:
            said = f"the connection to the {self._labels.name} failed ({type(error).__name__})"
            raise self.failure("unreachable", said, key) from error


class OutsideService(ABC):
    """A service that an operator may leave unset; its activities say what that means. `activities.services` names all.

    It is asked at `path` by POST, and answers each key alike.
    """

    labels: ClassVar[ServiceLabels]
    path: ClassVar[str]

    def __init__(self, http: httpx.AsyncClient, book: Book, address: ServiceAddress | None) -> None:
        """Call `address` through `http`, by the policy of this book. Raises BadInput as `SignedService`."""
        self._service = SignedService(http, self.labels, address.url, address.secret) if address else None
        self._book = book

    @classmethod
    def address_in(cls, environment: Mapping[str, str]) -> ServiceAddress | None:
        """Return what an environment says of the service; None where it is unset."""
        url, secret = (environment.get(name) or "" for name in cls.labels.variables)
        return ServiceAddress(url=url, secret=secret) if url else None

    @property
    @abstractmethod
    def activities(self) -> Activities:
        """All of them, for a worker."""


def _wrong_address(base_url: str) -> str | None:
    try:
        address = httpx.URL(base_url)
    except httpx.InvalidURL:
        address = httpx.URL("")
    beside = address.userinfo or address.query or address.fragment
    if address.scheme not in ("http", "https") or not address.host or beside:
        return "is no web address; write https://host:port, with a path if need be"
    if address.scheme == "http" and not is_loopback(address.host):
        return "would be called in the clear, which is for this machine alone; write https://host:port"
    return None


def _wrong_secret(secret: str) -> str | None:
    told = secret.removeprefix(_SECRET)
    try:
        length = len(base64.b64decode(told + "=" * (-len(told) % 4), validate=True))
    except ValueError:
        length = 0
    if secret.startswith(_SECRET) and length >= _LEAST_BYTES:
        return None
    return (
        f"cannot sign; write {_SECRET} and the base64 of {_LEAST_BYTES} random bytes or more, such as "
        f"`echo {_SECRET}$(openssl rand -base64 32)` prints, and give the service the same"
    )
