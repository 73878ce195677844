"""Telling of crossings by webhook and e-mail. Each is tried until it is there, later each time, and then given up; how
it stands is on the budget's page. Written with the crossing (`crossings`), so that none is lost; sent from here, so
that a slow receiver holds nothing up; several at once, and of one account few, so that it holds up nobody else's.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import threading
from collections import Counter
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

import orjson
from django.conf import settings
from django.core import mail
from django.db import close_old_connections
from django.db.models import F, Min

from billing import instants
from billing.budgets import actions, webhooks
from billing.budgets.models import Crossing, Delivery
from billing.instants import SECOND, Instant
from billing.money import plain
from iam import vault

PAUSES = (30, 60, 300, 1800, 7200, 21600)
"""Seconds until the next try; after the last one it is given up. The first is longer than an attempt."""
TICK = 2.0
AT_ONCE, OF_ONE_ACCOUNT = 16, 2
_LONGEST = 300

logger = logging.getLogger(__name__)


class Sent(NamedTuple):
    """`said` is what there is to tell of it."""

    is_there: bool
    said: str


def run(stop: threading.Event) -> None:
    """Until `stop`."""
    while not stop.is_set():
        close_old_connections()
        if not deliver_once(stop):
            stop.wait(TICK)


def deliver_once(stop: threading.Event | None = None) -> int:
    """Tries what is due, until nothing is. Returns how many there were."""
    flying, tried = dict[Future[Sent], Delivery](), 0
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="delivery") as senders:
        while True:
            if stop is None or not stop.is_set():
                for delivery in _due(flying.values()):
                    tried += 1
                    if _claim(delivery):
                        flying[senders.submit(_sent, delivery)] = delivery
            if not flying:
                return tried
            for done in wait(flying, timeout=TICK, return_when=FIRST_COMPLETED).done:
                _settle(flying.pop(done), done.result())


def _due(flying: Collection[Delivery]) -> list[Delivery]:
    """What may be sent beside what is under way: of every account a little, those first that wait the longest."""
    of = Counter(one.crossing.budget.account for one in flying)
    full = [account for account, number in of.items() if number >= OF_ONE_ACCOUNT]
    due = Delivery.objects.filter(state=Delivery.State.PENDING, next_try__lte=instants.now())
    due = due.exclude(pk__in=[one.pk for one in flying]).exclude(crossing__budget__account__in=full)
    waiting = due.order_by().values("crossing__budget__account").annotate(since=Min("next_try")).order_by("since")
    found = list[Delivery]()
    for account in waiting.values_list("crossing__budget__account", flat=True)[: AT_ONCE - len(flying)]:
        its = due.filter(crossing__budget__account=account).select_related("crossing__budget").order_by("next_try")
        found += its[: OF_ONE_ACCOUNT - of[account]]
    return found[: AT_ONCE - len(flying)]


def _claim(delivery: Delivery) -> bool:
    """Whoever moves the next try first has it. A crash from here on: it is tried again when that has come."""
    mine = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.PENDING, attempts=delivery.attempts)
    pause = PAUSES[min(delivery.attempts, len(PAUSES) - 1)]
    return bool(mine.update(attempts=F("attempts") + 1, next_try=instants.now() + pause * SECOND))


def _sent(delivery: Delivery) -> Sent:
    try:
        if delivery.channel == Delivery.Channel.WEBHOOK:
            return _post(delivery)
        return _mail(delivery)
    except (OSError, webhooks.Unreachable) as reason:  # smtplib's errors are OSErrors
        return Sent(False, f"{reason}" or type(reason).__name__)
    except Exception as reason:
        logger.exception("%s could not be sent.", delivery)
        return Sent(False, type(reason).__name__)


def _settle(delivery: Delivery, sent: Sent) -> None:
    tries = delivery.attempts + 1
    told: dict[str, Any] = {"said": sent.said.replace("\0", "")[:_LONGEST]}
    if sent.is_there:
        told |= {"state": Delivery.State.DELIVERED, "done": instants.now()}
    elif tries > len(PAUSES):
        told |= {"state": Delivery.State.FAILED, "done": instants.now()}
    Delivery.objects.filter(pk=delivery.pk).update(**told)


def _post(delivery: Delivery) -> Sent:
    budget = delivery.crossing.budget
    body = orjson.dumps(body_of(delivery.crossing, str(delivery.pk)))
    timestamp = str(instants.now() // SECOND)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "CCI-Budgets",
        "CCI-Delivery": str(delivery.pk),
        "CCI-Timestamp": timestamp,
        "CCI-Signature": f"sha256={signature(vault.unseal(budget.webhook_secret), timestamp, body)}",
    }
    code = webhooks.post(delivery.target, body, headers)
    return Sent(200 <= code < 300, f"answered {code}")


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 of `<timestamp>.<body>`: the receiver computes it anew, and refuses what is old."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def body_of(crossing: Crossing, delivery: str) -> dict[str, Any]:
    budget = crossing.budget
    return {
        "type": "budget.threshold",
        "delivery": delivery,
        "message": actions.words(crossing),
        "account": budget.account,
        "budget": budget.name,
        "scope": budget.scope,
        "namespace": budget.namespace,
        "workloadKind": budget.workload_kind,
        "workloadName": budget.workload_name,
        "period": budget.period,
        "periodStart": instants.text(crossing.period_start),
        "threshold": crossing.threshold,
        "at": instants.text(crossing.at),
        "spent": plain(crossing.spent),
        "amount": plain(crossing.amount),
        "currency": budget.currency,
        "action": crossing.action if crossing.threshold == 100 else "notify",
    }


def _mail(delivery: Delivery) -> Sent:
    crossing = delivery.crossing
    subject = f"CCI budget {crossing.budget.name}: {crossing.threshold} % is spent"
    words = actions.words(crossing)
    where = f"At {_clock(crossing.at)}. In the console: Budgets, {crossing.budget.name}."
    text = f"{words[:1].upper()}{words[1:]}.\n\n{where}\n"
    mail.send_mail(subject, text, None, [delivery.target])
    into_the_log = settings.EMAIL_BACKEND.endswith("console.EmailBackend")
    return Sent(
        True, "written to the manager's log: CCI_EMAIL_URL is not set" if into_the_log else "taken by the mail server"
    )


def _clock(instant: Instant) -> str:
    return f"{instants.moment(instant):%Y-%m-%d %H:%M:%S} UTC"
