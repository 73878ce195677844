"""Admission: what would carry a budget past its amount is refused, in the transaction of the write.

The next minutes (`CCI_BUDGET_RESERVE_MINUTES`) of everything that runs or is asked for already, together with what is
asked for now, must fit into what is left. What is asked for already is told by the objects, not by the meter: of two
creates the second sees the first one's object, so they cannot both take the last money. What replaces a pod of
something that runs (a ReplicaSet's new pod, a rollout's new ReplicaSet) is existing work and goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from django.conf import settings

from billing import instants, marks, prices, rating
from billing.balances.models import Purse
from billing.budgets import promises, spending
from billing.budgets.models import Budget
from billing.budgets.promises import Place
from billing.budgets.spending import Spending
from billing.instants import Instant
from billing.money import plain, short
from iam import sql
from iam.identities import Identity
from workloads.kinds.base import Kind
from workloads.kinds.podspecs import Specification
from workloads.meta.errors import Refused
from workloads.meta.keys import Key
from workloads.store.objects import Guard

JSON = dict[str, Any]

ERROR_CODE = "CCI.01.403110"
Asked = tuple[Place, int]
"""Whose, and how many pods."""


class More(NamedTuple):
    """What a write adds: a second's price, and how many pods of which size; `surge` of them only while a rolling update
    goes on."""

    per_second: Decimal
    size: Specification
    number: int
    surge: int


_PARTS = ("ReplicaSet", "Pod")
"""What our own controllers make of something that has been admitted before."""
ARREARS = "CCI.01.403111"
_ANY = """
    SELECT (SELECT 1 FROM billing_budget WHERE account = %s LIMIT 1),
        (SELECT coalesce(frozen, 0) FROM billing_purse WHERE account = %s AND prepaid)"""
"""The second is None for an account that is not prepaid."""


def guards(kind: Kind, key: Key, new: JSON, old: JSON | None, identity: Identity) -> tuple[Guard, ...]:
    """Raises Refused at once, and each guard does in the transaction. An account without budgets is asked one question,
    and only about what lets more pods run."""
    if kind.name not in promises.KINDS or (identity.is_controller and kind.name in _PARTS):
        return ()
    by_service, updating = identity.is_controller, promises.begins_update(new, old)
    wish = promises.asked(new, by_service=by_service, updating=updating)
    before = promises.asked(old, by_service=by_service) if old is not None else None
    if wish is None or not wish[1] or wish == before:
        return ()
    [(has_budgets, frozen)] = sql.select(_ANY, [key.account, key.account])
    if not has_budgets and frozen is None:
        return ()
    surge = promises.surge(new, updating=updating)
    per_second = _more(wish, before, surge)
    if per_second <= 0:
        return ()
    if frozen:
        raise _in_arrears(kind, key)
    thawed = () if frozen is None else (partial(_not_frozen, kind, key),)
    if not has_budgets:
        return thawed
    more = More(per_second, wish[0].size, wish[1] - (before[1] if before else 0), surge)
    budgets = [
        one for one in Budget.objects.filter(account=key.account) if one.is_cap and promises.is_about(one, wish[0])
    ]
    if not budgets:
        return thawed
    known = {budget.pk: spending.of(budget) for budget in budgets}

    def guard() -> None:
        for budget in budgets:
            _check(kind, key, budget, known[budget.pk], more)

    guard()
    return (*thawed, guard)


def _not_frozen(kind: Kind, key: Key) -> None:
    """The purse is held until the write is done: who freezes the account meanwhile finds what was written."""
    purse = Purse.objects.select_for_update().filter(pk=key.account, prepaid=True).first()
    if purse is not None and purse.frozen is not None:
        raise _in_arrears(kind, key)


def _in_arrears(kind: Kind, key: Key) -> Refused:
    why = (
        f"account {key.account} is in arrears and its grace period is over, so nothing that runs pods is started; "
        "what was suspended comes back by itself when the operator has credited the account (console: Budgets, Balance)"
    )
    return Refused.named(kind.plural, key.name, why, group=kind.group, error_code=ARREARS)


def burn(budget: Budget, known: Spending) -> Decimal:
    """What the scope costs a second as soon as all that is asked for runs; more where more runs than is asked for (what
    is being stopped, a rollout's surge)."""
    return max(known.per_second, price(promises.pods(budget), instants.now()))


def price(pods: Mapping[Specification, int], at: Instant) -> Decimal:
    prices_now = prices.current()
    rates = ((rating.rate_or_nothing(prices_now, marks.sized(size), at), number) for size, number in pods.items())
    return sum((rate.per_second * number for rate, number in rates), Decimal(0))


def reserve_seconds() -> int:
    return int(settings.BUDGET_RESERVE_MINUTES) * 60


def _more(wish: Asked, before: Asked | None, surge: int) -> Decimal:
    """By how much the burn rate grows. While an update goes on, pods of both sizes run: it is dearest at its beginning
    or at its end."""
    now, number = instants.now(), wish[1]
    one = price({wish[0].size: 1}, now)
    if before is None:
        return one * number
    old = price({before[0].size: 1}, now)
    most = one * number
    if surge:
        kept = min(before[1], number - surge)
        most = max(old * surge + one * (number - surge), old * kept + one * surge)
    return most - old * before[1]


def _check(kind: Kind, key: Key, budget: Budget, known: Spending, more: More) -> None:
    spent, running, seconds = known.then(instants.now()), burn(budget, known), reserve_seconds()
    left = budget.amount - spent
    if left > 0 and (running + more.per_second) * seconds <= left:
        return
    one = price({more.size: 1}, instants.now())
    room = int((left / seconds - running) // one) if one and seconds and left > 0 else 0
    why = " ".join(_sentences(budget, known, spent=spent, running=running, more=more, room=room))
    raise Refused.named(kind.plural, key.name, why, group=kind.group, error_code=ERROR_CODE)


def _sentences(
    budget: Budget, known: Spending, *, spent: Decimal, running: Decimal, more: More, room: int
) -> Iterable[str]:
    """What is so, why that is too much, and what can be done."""
    of, hour = budget.currency, 3600
    yield (
        f"budget {budget.name} ({scope_words(budget)}, {budget.period}) has spent {amount(spent)} of "
        f"{amount(budget.amount)} {of} and burns {short(running * hour)} {of}/h;"
    )
    minutes = reserve_seconds() // 60
    if spent >= budget.amount:
        yield "it is used up, so nothing that runs more pods is started."
    else:
        with_surge = f" with the {_pods(more.surge)} that the update runs meanwhile (maxSurge)" if more.surge else ""
        yield (
            f"this adds {short(more.per_second * hour)} {of}/h{with_surge}, and {minutes} minutes of all that "
            f"({amount((running + more.per_second) * reserve_seconds())} {of}) are more than the "
            f"{amount(budget.amount - spent)} {of} that are left."
        )
    if more.surge:
        yield "With maxSurge 0 and maxUnavailable 1 an update runs no more pods than there are."
    elif (fits := min(room, more.number - 1)) > 0:
        yield f"{fits} more pod{'s' if fits > 1 else ''} of this size would fit."
    begins = f", or wait until it begins anew at {moment(known.period_end)}" if known.period_end else ""
    ask = "" if spent >= budget.amount else "Ask for less, stop something else, or r"
    yield f"{ask or 'R'}aise the budget (console: Budgets, {budget.name}){begins}."


def _pods(number: int) -> str:
    return f"{number} pod{'s' if number > 1 else ''}"


def scope_words(budget: Budget) -> str:
    if budget.scope == Budget.Scope.ACCOUNT:
        return f"account {budget.account}"
    if budget.scope == Budget.Scope.NAMESPACE:
        return f"namespace {budget.namespace}"
    return f"{budget.workload_kind} {budget.workload_name} in namespace {budget.namespace}"


def amount(value: Decimal) -> str:
    """With cents; what is less than a cent with the digits that tell something."""
    return plain(value.quantize(Decimal("0.01"))) if abs(value) >= 1 else short(value)


def moment(instant: Instant) -> str:
    return f"{instants.moment(instant):%Y-%m-%d %H:%M} UTC"
