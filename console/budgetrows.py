"""Budgets as pages show them: a bar, a state, and what happened when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from billing import client as billing
from billing import instants
from billing.client import Rate
from console import amounts, lowerwords
from console.states import State


class Tick(NamedTuple):
    """A threshold on the bar."""

    percent: int
    x: str
    is_crossed: bool


class Sending(NamedTuple):
    """A notification on its way to somewhere."""

    target: str
    state: State
    attempts: int
    done: datetime | None


@dataclass(frozen=True)
class Told:
    """A threshold that was crossed."""

    percent: int
    at: datetime
    spent: str
    amount: str
    lapsed: bool
    acted: bool
    what: str
    deliveries: tuple[Sending, ...] = ()


@dataclass(frozen=True)
class BudgetRow:
    view: billing.budgets.View

    @property
    def id(self) -> str:
        return f"budget-{self.name}"

    @property
    def name(self) -> str:
        return self.view.budget.name

    @property
    def budget(self) -> Any:
        return self.view.budget

    @property
    def currency(self) -> str:
        return self.view.budget.currency

    @property
    def scope(self) -> str:
        return _scope_words(self.view.budget)

    @property
    def period(self) -> str:
        return _period_words(self.view.budget)

    @property
    def action(self) -> str:
        return action_words(self.view.budget.action)

    @property
    def amount(self) -> str:
        return self.money(self.view.budget.amount)

    @property
    def spent(self) -> str:
        return self.money(self.view.spending.spent)

    @property
    def packages(self) -> str:
        """What resource packages paid beside it; "" for nothing."""
        covered = self.view.spending.covered
        return self.money(covered) if covered else ""

    @property
    def left(self) -> str:
        return self.money(max(Decimal(0), self.view.spending.left))

    @property
    def forecast(self) -> str:
        """At the end of the period if everything runs on; "" for a total."""
        found = self.view.spending.forecast
        return "" if found is None else self.money(found)

    @property
    def forecast_is_over(self) -> bool:
        found = self.view.spending.forecast
        return found is not None and found > self.view.budget.amount

    @property
    def percent(self) -> int:
        return int(self.view.spending.percent)

    @property
    def rate(self) -> Rate:
        return Rate(self.currency, self.view.spending.per_second)

    @property
    def ends(self) -> datetime | None:
        found = self.view.spending.period_end
        return None if found is None else instants.moment(found)

    @property
    def used_up_at(self) -> datetime | None:
        """When all will be spent, if that is before the period ends; None if it is already."""
        found, ends = self.view.spending.reaches(100), self.view.spending.period_end
        if found is None or self.view.spending.is_used_up or (ends is not None and found >= ends):
            return None
        return instants.moment(found)

    @property
    def bar(self) -> str:
        return _width(self.view.spending.percent)

    @property
    def ahead(self) -> str:
        """What will be spent by the end, as far as the bar goes."""
        found = self.view.spending.forecast
        return "0%" if found is None else _width(found * 100 / self.view.budget.amount)

    @property
    def tone(self) -> str:
        return {"fine": "done", "near": "near"}.get(self.view.state, "failed")

    @property
    def ticks(self) -> list[Tick]:
        crossed = self.view.crossed
        return [Tick(one, f"{one}%", one in crossed) for one in self.view.budget.percents if one < 100]

    @property
    def thresholds(self) -> str:
        return ", ".join(f"{one} %" for one in self.view.budget.percents)

    @property
    def state(self) -> State:
        return _STATES[self.view.state]()

    @property
    def history(self) -> list[Told]:
        return [
            Told(
                percent=one.threshold,
                at=instants.moment(one.at),
                spent=self.money(one.spent),
                amount=self.money(one.amount),
                lapsed=one.lapsed,
                acted=one.acted,
                what=action_words(one.action) if one.threshold == 100 else "",
                deliveries=tuple(map(_sending, one.deliveries.all())),
            )
            for one in self.view.history
        ]

    def money(self, value: Decimal) -> str:
        return _money(value, self.currency)


class Notification:
    """A threshold that was crossed, and what follows from it."""

    def __init__(self, crossing: Any) -> None:
        budget = crossing.budget
        self.name, self.read, self.percent = budget.name, crossing.read, crossing.threshold
        self.at = instants.moment(crossing.at)
        facts = {
            "percent": crossing.threshold,
            "spent": _money(crossing.spent, budget.currency),
            "amount": _money(crossing.amount, budget.currency),
            "period": _period_words(budget),
            "scope": _scope_words(budget),
        }
        self.words = _("%(percent)s %% is spent: %(spent)s of %(amount)s %(period)s, on %(scope)s.") % facts
        self.then = _consequence(crossing.action) if crossing.threshold == 100 else ""


def _money(value: Decimal, currency: str) -> str:
    """With cents; less than a unit with four places."""
    return amounts.money(value, currency, 2 if abs(value) >= 1 or not value else 4)


def _scope_words(budget: Any) -> str:
    if budget.scope == "account":
        return _("the account")
    if budget.scope == "namespace":
        return _("namespace %(name)s") % {"name": budget.namespace}
    words = {"kind": budget.workload_kind, "name": budget.workload_name, "namespace": budget.namespace}
    return _("%(kind)s %(name)s in %(namespace)s") % words


def _period_words(budget: Any) -> str:
    return {"monthly": _("a month"), "daily": _("a day"), "total": _("in all")}[budget.period]


def _consequence(action: str) -> str:
    return {
        "stop": _("More pods are refused from now on; what runs goes on."),
        "suspend": _("What runs is suspended, and more pods are refused."),
    }.get(action, "")


def _sending(one: Any) -> Sending:
    done = None if one.done is None else instants.moment(one.done)
    answer = lowerwords.said(one.said)
    state = {
        "pending": State(_("On its way"), answer, tone="busy", shape="ring"),
        "delivered": State(_("Delivered"), answer, tone="ok"),
        "failed": State(_("Given up"), answer, tone="bad", shape="diamond"),
    }[one.state]
    if one.state == "pending" and one.attempts:
        state = replace(state, tone="warn", shape="triangle", retry_at=instants.moment(one.next_try))
    return Sending(one.target, state, one.attempts, done)


def action_words(action: str) -> str:
    return {
        "notify": _("notify"),
        "stop": _("refuse more pods"),
        "suspend": _("suspend what runs"),
    }[action]


def _width(percent: Decimal) -> str:
    return f"{max(Decimal(0), min(Decimal(100), percent)):.1f}%"


_STATES = {
    "fine": lambda: State(_("Within"), tone="ok"),
    "near": lambda: State(_("Near"), _("a threshold is crossed"), tone="warn", shape="triangle"),
    "over": lambda: State(_("Used up"), _("it only notifies: everything goes on"), tone="bad", shape="diamond"),
    "stopped": lambda: State(_("Used up"), _("more pods are refused"), tone="bad", shape="diamond"),
    "suspended": lambda: State(_("Suspended"), _("what it speaks of waits"), tone="bad", shape="diamond"),
    "resuming": lambda: State(_("Resuming"), _("what was suspended comes back"), tone="busy", shape="ring"),
}
