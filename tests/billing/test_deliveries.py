"""Crossings are told by webhook and e-mail: signed, tried again, given up, and never to where only this host may go."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import socket
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import orjson
import pytest
from django.core import mail
from pytest_django import Settings

from billing import instants
from billing.budgets import crossings, deliveries, door, watcher, webhooks
from billing.budgets.door import Wish
from billing.budgets.models import Crossing, Delivery
from billing.instants import SECOND, Instant
from iam.errors import WrongFields
from iam.identities import Identity
from tests.billing.lives import START
from tests.billing.test_budgets import POD, runs
from tests.billing.test_budgets import shop as shop
from workloads.client import Client

pytestmark = pytest.mark.django_db
Clock = Callable[[Instant], None]


class Hook(BaseHTTPRequestHandler):
    heard: ClassVar[list[tuple[dict[str, str], bytes]]] = []
    code: ClassVar[int] = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append((dict(self.headers), body))
        self.send_response(self.code)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook(settings: Settings) -> Iterator[str]:
    """The address of a receiver on loopback, which this installation allows."""
    settings.WEBHOOK_PRIVATE = True
    Hook.heard, Hook.code = [], 200
    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hooks?of=cci"
    server.shutdown()
    server.server_close()


def crossed(alice: Identity, shop: Client, clock: Clock, **where: object) -> None:
    """A budget of which half is spent."""
    runs(shop, "one", since=START)
    wish = Wish("team", scope="namespace", namespace="shop", amount=100 * POD, **where)  # type: ignore[arg-type]
    door.create(alice, wish)
    clock(START + 50 * SECOND)
    watcher.look()


def test_a_webhook_gets_a_signed_post(alice: Identity, shop: Client, clock: Clock, hook: str) -> None:
    crossed(alice, shop, clock, webhook=hook)
    deliveries.deliver_once()

    [(headers, body)] = Hook.heard
    secret = door.budget(alice, "team").webhook_secret
    signed = hmac.new(secret.encode(), headers["CCI-Timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["CCI-Signature"] == f"sha256={signed}"
    told = orjson.loads(body)
    assert (told["budget"], told["threshold"], told["delivery"]) == ("team", 50, headers["CCI-Delivery"])
    assert Delivery.objects.get().state == "delivered"


def test_nothing_is_sent_twice_that_has_arrived(alice: Identity, shop: Client, clock: Clock, hook: str) -> None:
    crossed(alice, shop, clock, webhook=hook)
    for _ in range(3):
        watcher.look()
        deliveries.deliver_once()

    assert len(Hook.heard) == 1


def test_what_fails_is_tried_later_and_then_given_up(alice: Identity, shop: Client, clock: Clock, hook: str) -> None:
    crossed(alice, shop, clock, webhook=hook)
    Hook.code, now = 503, START + 50 * SECOND
    deliveries.deliver_once()
    deliveries.deliver_once()
    assert len(Hook.heard) == 1

    for pause in deliveries.PAUSES:
        now += pause * SECOND
        clock(now)
        deliveries.deliver_once()
    last = Delivery.objects.get()
    assert (last.state, last.attempts, last.said) == ("failed", 7, "answered 503")
    assert len({headers["CCI-Delivery"] for headers, _body in Hook.heard}) == 1


def test_a_crash_while_sending_is_tried_again(
    alice: Identity, shop: Client, clock: Clock, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    crossed(alice, shop, clock, webhook=hook)

    def crash(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(deliveries, "_settle", crash)
        with pytest.raises(SystemExit):
            deliveries.deliver_once()
    clock(START + 80 * SECOND)
    deliveries.deliver_once()
    assert Delivery.objects.get().state == "delivered"


def test_e_mail_says_what_is_spent(alice: Identity, shop: Client, clock: Clock) -> None:
    crossed(alice, shop, clock, emails=("alice@example.com", "bob@example.com"))
    deliveries.deliver_once()

    assert sorted(one.to[0] for one in mail.outbox) == ["alice@example.com", "bob@example.com"]
    assert mail.outbox[0].subject == "CCI budget team: 50 % is spent"
    assert "50 % is spent" in str(mail.outbox[0].body)


def test_an_account_sends_so_many_mails_a_day_and_the_rest_is_told_not_sent(
    alice: Identity, shop: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crossings, "MOST_MAILS", 1)
    crossed(alice, shop, clock, emails=("alice@example.com", "bob@example.com"))
    deliveries.deliver_once()

    assert [one.to[0] for one in mail.outbox] == ["alice@example.com"]
    assert Delivery.objects.get(target="bob@example.com").said == "not sent: the account has sent 1 mails within a day"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://10.247.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://0.0.0.0/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "ftp://example.com/",
        "http://user:password@example.com/",
        "http:///nowhere",
        "javascript:alert(1)",
    ],
)
def test_an_address_that_is_not_public_is_refused_at_its_field(alice: Identity, shop: Client, url: str) -> None:
    with pytest.raises(WrongFields) as wrong:
        door.create(alice, Wish("team", amount=Decimal(1), webhook=url))
    assert set(wrong.value.fields) == {"webhook"}


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "fd00::1", "169.254.0.1"])
def test_a_name_that_leads_to_a_private_address_is_not_asked(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when only one of its addresses is private."""
    found = [(socket.AF_INET, 1, 6, "", (one, 80)) for one in ("93.184.216.34", address)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_given: found)

    with pytest.raises(webhooks.Unreachable, match="not public"):
        webhooks.post("http://example.com/", b"{}", {})


def test_a_numeric_spelling_of_loopback_is_not_asked() -> None:
    """What the resolver makes of `2130706433` and `0x7f.1` is judged, not the spelling."""
    for host in ("2130706433", "0x7f.1", "localhost"):
        with pytest.raises(webhooks.Unreachable):
            webhooks.post(f"http://{host}/", b"{}", {})


def test_a_receiver_that_never_comes_to_an_end_is_given_up(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says something all the time, so that no single wait is long."""
    settings.WEBHOOK_PRIVATE = True
    monkeypatch.setattr(webhooks, "DEADLINE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=says_wait_for_ever, args=(server,), daemon=True).start()
        with pytest.raises(webhooks.Unreachable, match=r"no answer within 0\.3 seconds"):
            webhooks.post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}", {})


def says_wait_for_ever(server: socket.socket) -> None:
    caller, _ = server.accept()
    with caller, contextlib.suppress(OSError):
        while not threading.Event().wait(0.05):
            caller.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def test_slow_receivers_of_one_account_hold_up_nobody_else(alice: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    for account, number in (("acme", 30), ("other", 1)):
        to_be_told(Identity(account, "anna", actions=alice.actions), number)
    heard, held_up = threading.Event(), []

    def sent(delivery: Delivery) -> deliveries.Sent:
        if delivery.crossing.budget.account == "other":
            heard.set()
        elif not heard.wait(1):
            held_up.append(delivery)
        return deliveries.Sent(True, "")

    monkeypatch.setattr(deliveries, "_sent", sent)
    assert deliveries.deliver_once() == 31
    assert held_up == []
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def to_be_told(by: Identity, number: int) -> None:
    budget, now = door.create(by, Wish("all", amount=Decimal(10))).budget, instants.now()
    crossing = Crossing.objects.create(
        budget=budget, period_start=0, threshold=50, at=now, spent=Decimal(5), amount=Decimal(10), action="notify"
    )
    Delivery.objects.bulk_create(
        Delivery(crossing=crossing, channel="email", target=f"{n}@example.com", next_try=now) for n in range(number)
    )
