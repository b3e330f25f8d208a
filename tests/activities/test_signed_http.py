"""Signatures are good for one purpose, and what a service is called with is refused where it cannot keep that."""

import base64
import json
import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from activities.present import read_from
from activities.services import SERVICES
from activities.signed_http import ServiceAddress, ServiceLabels, SignedService
from aftersale.errors import BadInput
from aftersale.times import parse_instant
from tests.support.books import BOOK
from tests.support.platform_fixtures import StandIn, instruction, signed
from trial.platform import TRIAL_SECRET

LABELS = ServiceLabels("payments", "payment service", "waits")
KEY = "case/C-1/refund/1"
OTHER = "case/C-1/refund/2"
GUIDE = Path(__file__).parents[2] / "docs" / "integrate.md"


# Signatures


class Wiretap(httpx.AsyncBaseTransport):
    """Whoever listens on the way to the platform: what passes can be sent once more, to any other place."""

    def __init__(self, platform: StandIn) -> None:
        self._platform = platform
        self.heard: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.heard.append(request)
        return await self.replay(request.method, request.url.raw_path.decode())

    async def replay(self, method: str, path: str, **headers: str) -> httpx.Response:
        """Send what was heard last to a path, its headers and body as they were but for these."""
        last = self.heard[-1]
        return await self._platform.http.request(
            method, path, content=last.content, headers=dict(last.headers) | headers
        )


@pytest.fixture
def wiretap(platform: StandIn) -> Wiretap:
    return Wiretap(platform)


@pytest.fixture
def service(platform: StandIn, wiretap: Wiretap) -> SignedService:
    return SignedService(httpx.AsyncClient(transport=wiretap), LABELS, platform.url, TRIAL_SECRET)


async def test_a_look_up_is_signed_and_answered(service: SignedService, platform: StandIn, wiretap: Wiretap) -> None:
    await platform.refund(instruction())
    answer = await service.get("refunds", KEY)
    assert answer.status_code == 200 and json.loads(answer.content)["key"] == KEY
    assert wiretap.heard[0].headers["webhook-id"] == f"GET /refunds {KEY}"
    assert (await service.get("refunds", OTHER)).status_code == 404


@pytest.mark.parametrize("path", [f"/clawbacks/{KEY}", f"/refunds/{OTHER}"])
async def test_a_look_up_that_was_overheard_is_good_for_no_other_path(
    service: SignedService, platform: StandIn, wiretap: Wiretap, path: str
) -> None:
    await platform.refund(instruction(n=2))
    await service.get("refunds", KEY)
    assert (await wiretap.replay("GET", path)).status_code == 401
    claimed = f"GET /{path.split('/')[1]} {path.split('/', 2)[2]}"
    assert (await wiretap.replay("GET", path, **{"webhook-id": claimed})).status_code == 401


async def test_a_refund_that_was_overheard_takes_nothing_back(
    service: SignedService, platform: StandIn, wiretap: Wiretap
) -> None:
    assert (await service.post("refunds", KEY, instruction().model_dump_json())).status_code == 200
    assert (await wiretap.replay("POST", "/clawbacks")).status_code == 401
    assert (await wiretap.replay("POST", "/clawbacks", **{"webhook-id": f"POST /clawbacks {KEY}"})).status_code == 401
    assert (await wiretap.replay("POST", "/refunds", **{"idempotency-key": OTHER})).status_code == 401
    assert await platform.payments() == {KEY: ("succeeded", 1)}


@pytest.mark.parametrize("purpose", ["another", KEY, f"POST /clawbacks {KEY}", f"GET /refunds {KEY}"])
async def test_an_instruction_signed_for_another_purpose_is_not_paid(platform: StandIn, purpose: str) -> None:
    answer = await platform.refund(instruction(), **signed(purpose, instruction().model_dump_json()))
    assert answer.status_code == 401
    assert f"webhook-id is not POST /refunds {KEY}" in answer.json()["error"]
    assert await platform.payments() == {}


async def test_a_look_up_that_is_not_signed_is_told_nothing(platform: StandIn) -> None:
    await platform.refund(instruction())
    answer = await platform.http.get(f"/refunds/{KEY}")
    assert answer.status_code == 401
    assert answer.json().keys() == {"error"}


async def test_every_call_that_sends_something_says_what_for(service: SignedService, wiretap: Wiretap) -> None:
    await service.post("pickups/cancel", "case/C-1/pickup/1", "{}")
    request = wiretap.heard[0]
    assert request.headers["webhook-id"] == "POST /pickups/cancel case/C-1/pickup/1"
    Webhook(TRIAL_SECRET).verify(request.content, dict(request.headers))


async def test_what_stands_before_the_path_is_not_signed_since_a_gateway_may_change_it(wiretap: Wiretap) -> None:
    service = SignedService(httpx.AsyncClient(transport=wiretap), LABELS, "https://gate.example/pay/v1/", TRIAL_SECRET)
    await service.get("refunds", "case/../refund/1")
    assert wiretap.heard[0].url.raw_path == b"/pay/v1/refunds/case%2F..%2Frefund%2F1"
    assert wiretap.heard[0].headers["webhook-id"] == "GET /refunds case/../refund/1"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_guides_worked_example_is_what_is_sent(wiretap: Wiretap, method: str) -> None:
    example = GUIDE.read_text("utf-8").partition(f"```\n{method} /refunds")[2].partition("```")[0]
    headers = dict(re.findall(r"^(webhook-[a-z]+|Idempotency-Key): (.+)$", example, flags=re.MULTILINE))
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", GUIDE.read_text("utf-8"))
    assert secret is not None
    service = SignedService(httpx.AsyncClient(transport=wiretap), LABELS, "https://pay.example", secret[0])
    body = example.rpartition("\n\n")[2].strip()
    signed_at = parse_instant("2024-06-03T10:00:00+08:00")
    with read_from(lambda: signed_at + timedelta(milliseconds=250)):
        await (service.get("refunds", KEY) if method == "GET" else service.post("refunds", KEY, body))
    sent = {name.lower(): value for name, value in wiretap.heard[0].headers.items()}
    assert len(headers) == (3 if method == "GET" else 4)
    assert {name.lower(): value for name, value in headers.items()}.items() <= sent.items()


# Settings


@pytest.mark.parametrize(
    "base_url",
    [
        *("", "payments.example", "ftp://payments.example", "https://", "http://[::"),
        *("https://user:sekret@payments.example", "https://payments.example?sekret=1", "https://payments.example/#a"),
    ],
)
def test_an_address_that_cannot_be_called_is_refused(base_url: str) -> None:
    with pytest.raises(BadInput, match=r"^payments\.base_url: is no web address; write https://host:port") as raised:
        called_at(base_url)
    assert "sekret" not in str(raised.value)


@pytest.mark.parametrize(
    "base_url",
    [
        *("http://payments.example", "http://10.0.0.7:8080", "http://0.0.0.0", "HTTP://payments:8080/api"),
        *("http://localhost.payments.example", "http://127.0.0.1.payments.example", "http://[2001:db8::1]"),
    ],
)
def test_an_address_in_the_clear_is_refused_beyond_this_machine(base_url: str) -> None:
    with pytest.raises(BadInput, match=r"^payments\.base_url: would be called in the clear.*write https://host:port"):
        called_at(base_url)


@pytest.mark.parametrize(
    "base_url",
    [
        *("http://127.0.0.1:8080", "http://localhost:8080/api", "http://[::1]:8080", "http://127.8.0.1"),
        *("https://payments.example", "https://10.0.0.7:8443/api/"),
    ],
)
def test_an_address_on_this_machine_or_by_tls_is_taken(base_url: str) -> None:
    called_at(base_url)


def called_at(base_url: str, secret: str = TRIAL_SECRET) -> SignedService:
    return SignedService(httpx.AsyncClient(trust_env=False, verify=False), LABELS, base_url, secret)


def secret_of(length: int) -> str:
    return "whsec_" + base64.b64encode(b"sekret-sekret-sekret-sekret-sekret"[:length]).decode()


@pytest.mark.parametrize(
    "secret",
    [
        *("", "whsec_", "whsec_!", "whsec_sekre", secret_of(2), secret_of(23)),
        *(secret_of(24).removeprefix("whsec_"), secret_of(24) + "é", secret_of(24).replace("c", "-")),
    ],
)
def test_a_secret_that_is_none_or_short_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(
        BadInput, match=r"^payments\.secret: cannot sign; write whsec_ and .* 24 random bytes"
    ) as raised:
        called_at("https://payments.example", secret)
    assert "openssl rand -base64 32" in str(raised.value)
    assert "sekre" not in str(raised.value) and secret_of(24)[6:20] not in str(raised.value)


@pytest.mark.parametrize("length", [24, 32, 34])
def test_a_secret_of_24_bytes_or_more_is_taken_padded_or_not(length: int) -> None:
    called_at("https://payments.example", secret_of(length))
    called_at("https://payments.example", secret_of(length).rstrip("="))


def test_address_and_secret_are_refused_at_once() -> None:
    with pytest.raises(BadInput) as raised:
        called_at("http://payments.example", secret_of(2))
    assert [problem.field for problem in raised.value.problems] == ["payments.base_url", "payments.secret"]


@pytest.mark.parametrize(
    ("base_url", "secret", "named"),
    [("http://far.example", TRIAL_SECRET, "base_url"), ("https://far.example", "", "secret")],
)
def test_every_service_is_held_to_the_same(base_url: str, secret: str, named: str) -> None:
    http = httpx.AsyncClient(trust_env=False, verify=False)
    for service in SERVICES:
        with pytest.raises(BadInput, match=f"^{service.labels.code}.{named}: "):
            service(http, BOOK, ServiceAddress(url=base_url, secret=secret))
