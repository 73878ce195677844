"""Thresholds that are reached are written down, once for each period; what follows from one is done until it is done.

A crossing and everything somebody must be told of it are one transaction. A crash before it: it is found again. A crash
behind it: what follows is still to do (`acted`), and doing it twice changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from django.db import IntegrityError

from billing.budgets import spending
from billing.budgets.models import Budget, Crossing, Delivery
from billing.budgets.spending import Spending
from billing.instants import HOUR, Instant
from workloads.store.writing import write

logger = logging.getLogger(__name__)

MOST_MAILS = 500
"""Of one account within a day."""
Follow = Callable[[Crossing], None]
"""Does what follows; may raise, and is then called again later."""


def record(budget: Budget, known: Spending) -> list[Crossing]:
    """Those that are new."""
    done = set(standing(budget, known.period_start))
    return [
        crossing
        for percent in budget.percents
        if percent not in done and known.spent >= spending.threshold(budget.amount, percent)
        if (crossing := _written(budget, known, percent)) is not None
    ]


def standing(budget: Budget, period_start: Instant) -> list[int]:
    """The thresholds that were crossed in this period and still are."""
    found = Crossing.objects.filter(budget=budget, period_start=period_start, lapsed=False)
    return list(found.values_list("threshold", flat=True))


def next_instant(budget: Budget, known: Spending) -> Instant | None:
    """When something will have to be done if the same pods run on: a threshold, or the end of the period."""
    done = set(standing(budget, known.period_start))
    ahead = [known.reaches(percent) for percent in budget.percents if percent not in done]
    return min((one for one in (*ahead, known.period_end) if one is not None), default=None)


def follow(acts: Iterable[Follow], *, limit: int = 100) -> int:
    """Does what is still to do. Returns how many could not be done yet: they are tried again."""
    waiting = 0
    for crossing in Crossing.objects.filter(acted=False).select_related("budget").order_by("pk")[:limit]:
        try:
            for act in acts:
                act(crossing)
        except Exception:
            logger.exception("What follows from %s could not be done; it is tried again.", crossing)
            waiting += 1
            continue
        Crossing.objects.filter(pk=crossing.pk).update(acted=True)
    return waiting


def lapse(budget: Budget, known: Spending) -> None:
    """After the amount has changed: thresholds that are not reached any more may be crossed again."""
    for crossing in Crossing.objects.filter(budget=budget, period_start=known.period_start, lapsed=False):
        if known.spent < spending.threshold(budget.amount, crossing.threshold):
            Crossing.objects.filter(pk=crossing.pk).update(lapsed=True)


def _to_be_told(budget: Budget, crossing: Crossing) -> None:
    told = [
        Delivery(crossing=crossing, channel=Delivery.Channel.EMAIL, target=address, next_try=crossing.at)
        for address in budget.addresses
    ]
    for refused in told[_mails_left(budget.account, crossing.at) :]:
        refused.state, refused.done = Delivery.State.FAILED, crossing.at
        refused.said = f"not sent: the account has sent {MOST_MAILS} mails within a day"
    if budget.webhook_url:
        channel = Delivery.Channel.WEBHOOK
        told.append(Delivery(crossing=crossing, channel=channel, target=budget.webhook_url, next_try=crossing.at))
    Delivery.objects.bulk_create(told)


def _mails_left(account: str, at: Instant) -> int:
    """How many the account may still send: addresses are anybody's, and the mail server is the operator's."""
    mails = Delivery.objects.filter(channel=Delivery.Channel.EMAIL, crossing__budget__account=account)
    sent = mails.filter(crossing__at__gt=at - 24 * HOUR).exclude(state=Delivery.State.FAILED).count()
    return max(0, MOST_MAILS - sent)


def _written(budget: Budget, known: Spending, percent: int) -> Crossing | None:
    """None when another watcher was first, or the budget was changed or deleted meanwhile."""
    try:
        with write():
            now = Budget.objects.select_for_update().filter(pk=budget.pk, version=budget.version).first()
            if now is None:
                return None
            made = Crossing.objects.create(
                budget=budget,
                period_start=known.period_start,
                threshold=percent,
                at=known.at,
                spent=known.spent,
                amount=budget.amount,
                action=now.action,
            )
            _to_be_told(now, made)
            return made
    except IntegrityError:
        return None
