"""Admission: what would carry a budget past its amount is refused, in the transaction of the write.

The next minutes (`CCI_BUDGET_RESERVE_MINUTES`) of everything that runs or is asked for already, together with what is
asked for now, must fit into what is left. What is asked for already is told by the objects, not by the meter: of two
creates the second sees the first one's object, so they cannot both take the last money. What replaces a pod of
something that runs (a ReplicaSet's new pod, a rollout's new ReplicaSet) is existing work and goes on.
"""

from __future__ import annotations

import time
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
from billing.rating import PriceList, Size
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
Free = frozenset[str]
"""The items that resource packages pay for in all of the next minutes."""


class More(NamedTuple):
    """What a write adds to what the object asked for before; `surge` of its pods only while an update goes on."""

    wish: Asked
    before: Asked | None
    surge: int

    @property
    def number(self) -> int:
        return self.wish[1] - (self.before[1] if self.before else 0)

    @property
    def size(self) -> Specification:
        return self.wish[0].size

    def per_second(self, free: Free = frozenset()) -> Decimal:
        """By how much the burn rate grows. While an update goes on, pods of both sizes run: it is dearest at its
        beginning or at its end."""
        now, number = instants.now(), self.wish[1]
        one = price({self.size: 1}, now, free)
        if self.before is None:
            return one * number
        old = price({self.before[0].size: 1}, now, free)
        most = one * number
        if self.surge:
            kept = min(self.before[1], number - self.surge)
            most = max(old * self.surge + one * (number - self.surge), old * kept + one * self.surge)
        return most - old * self.before[1]


_PARTS = ("ReplicaSet", "Pod")
"""What our own controllers make of something that has been admitted before."""
ARREARS = "CCI.01.403111"
DEAR_SECONDS, LONGEST_KEPT = 0.01, 0.5
_SHARE, _MOST_KEPT = 10, 256
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
    more = More(wish, before, promises.surge(new, updating=updating))
    if more.per_second() <= 0:
        return ()
    if frozen:
        raise _in_arrears(kind, key)
    thawed = () if frozen is None else (partial(_not_frozen, kind, key),)
    if not has_budgets:
        return thawed
    budgets = [
        one for one in Budget.objects.filter(account=key.account) if one.is_cap and promises.is_about(one, wish[0])
    ]
    if not budgets:
        return thawed
    known = {budget.pk: _spending(budget) for budget in budgets}

    def guard() -> None:
        for budget in budgets:
            _check(kind, key, budget, known[budget.pk], more)

    guard()
    return (*thawed, guard)


class _Kept(NamedTuple):
    version: int
    until: float
    known: Spending


_kept: dict[Any, _Kept] = {}


def forget() -> None:
    """The next question adds up anew."""
    _kept.clear()


def _spending(budget: Budget) -> Spending:
    """Where adding up is dear (thousands of pods run), the sum is kept for a part of a second: from there it goes on by
    its rate, and what was asked for meanwhile is told by the objects in any case."""
    kept, now = _kept.get(budget.pk), time.monotonic()
    if kept is not None and kept.version == budget.version and now < kept.until:
        end = kept.known.period_end
        if end is None or instants.now() < end:
            return kept.known
    known = spending.of(budget)
    took = time.monotonic() - now
    if took > DEAR_SECONDS:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[budget.pk] = _Kept(budget.version, now + took + min(LONGEST_KEPT, _SHARE * took), known)
    return known


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


def burn(budget: Budget, known: Spending, free: Free = frozenset()) -> Decimal:
    """What the scope costs a second as soon as all that is asked for runs; more where more runs than is asked for (what
    is being stopped, a rollout's surge). Without what is `free`."""
    running = known.course.listed_per_second
    running -= sum((part.per_second for item, part in known.course.relief.parts.items() if item in free), Decimal(0))
    return max(running, price(promises.pods(budget), instants.now(), free))


def price(pods: Mapping[Specification, int], at: Instant, free: Free = frozenset()) -> Decimal:
    prices_now = prices.current()
    sizes = ((marks.sized(size), number) for size, number in pods.items())
    return sum((_rate(prices_now, size, at, free) * number for size, number in sizes), Decimal(0))


def _rate(listed: PriceList, size: Size, at: Instant, free: Free) -> Decimal:
    rate = rating.rate_or_nothing(listed, size, at).per_second
    if not free:
        return rate
    return rate - sum(share for item, share in rating.shares_or_nothing(listed, size, at).items() if item in free)


def reserve_seconds() -> int:
    return int(settings.BUDGET_RESERVE_MINUTES) * 60


def _free(budget: Budget, known: Spending, more: More) -> Free:
    """Packages are the whole account's: they must reach for all that runs or is asked for in it, and for this."""
    parts = known.course.relief.parts
    if not any(part.left for part in parts.values()):
        return frozenset()
    asked = promises.pods(Budget(account=budget.account, scope=Budget.Scope.ACCOUNT))
    asked[more.size] = asked.get(more.size, 0) + max(0, more.number)
    until = instants.now() + reserve_seconds() * instants.SECOND
    return frozenset(item for item, part in parts.items() if part.lasts(max(part.units, _units(item, asked))) >= until)


def _units(item: str, pods: Mapping[Specification, int]) -> int:
    """What they take of cores or memory a second."""
    of = {rating.VCPU: "cpu_millis", rating.MEMORY: "memory_mib"}[item]
    return sum(int(getattr(size, of)) * number for size, number in pods.items())


def _check(kind: Kind, key: Key, budget: Budget, known: Spending, more: More) -> None:
    now, seconds, free = instants.now(), reserve_seconds(), _free(budget, known, more)
    spent, running, added = known.then(now), burn(budget, known, free), more.per_second(free)
    left = budget.amount - spent
    if left > 0 and (running + added) * seconds <= left:
        return
    one = price({more.size: 1}, now, free)
    room = int((left / seconds - running) // one) if one and seconds and left > 0 else 0
    found = _Found(spent, running, added, room, after_packages=bool(free or known.covered))
    why = " ".join(_sentences(budget, known, more, found))
    raise Refused.named(kind.plural, key.name, why, group=kind.group, error_code=ERROR_CODE)


class _Found(NamedTuple):
    """Why it does not fit; `room` pods of the size would."""

    spent: Decimal
    running: Decimal
    added: Decimal
    room: int
    after_packages: bool


def _sentences(budget: Budget, known: Spending, more: More, found: _Found) -> Iterable[str]:
    """What is so, why that is too much, and what can be done."""
    of, hour, left = budget.currency, 3600, budget.amount - found.spent
    packages = " after resource packages" if found.after_packages else ""
    yield (
        f"budget {budget.name} ({scope_words(budget)}, {budget.period}) has spent {amount(found.spent)} of "
        f"{amount(budget.amount)} {of}{packages} and burns {short(found.running * hour)} {of}/h;"
    )
    minutes = reserve_seconds() // 60
    if left <= 0:
        yield "it is used up, so nothing that runs more pods is started."
    else:
        with_surge = f" with the {_pods(more.surge)} that the update runs meanwhile (maxSurge)" if more.surge else ""
        yield (
            f"this adds {short(found.added * hour)} {of}/h{with_surge}, and {minutes} minutes of all that "
            f"({amount((found.running + found.added) * reserve_seconds())} {of}) are more than the "
            f"{amount(left)} {of} that are left."
        )
    if more.surge:
        yield "With maxSurge 0 and maxUnavailable 1 an update runs no more pods than there are."
    elif (fits := min(found.room, more.number - 1)) > 0:
        yield f"{_pods(fits, 'more ')} of this size would fit."
    begins = f", or wait until it begins anew at {moment(known.period_end)}" if known.period_end else ""
    ask = "" if left <= 0 else "Ask for less, stop something else, or r"
    yield f"{ask or 'R'}aise the budget (console: Budgets, {budget.name}){begins}."


def _pods(number: int, which: str = "") -> str:
    return f"{number} {which}pod{'s' if number > 1 else ''}"


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
