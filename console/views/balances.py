"""The account's balance and its credits; for the operator those of all accounts, with the forms that change them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from billing import client as billing
from billing import instants
from billing.client import Rate
from console import amounts, frame
from console.access import Visit, guarded
from console.forms import budgets as forms
from console.forms.drafts import FieldError, text
from console.iamrefusals import field_errors
from console.pages import Context, Page
from console.states import State
from console.views import create
from iam.errors import Missing, WrongFields

_STATES = {
    "post-paid": lambda: State(_("Post-paid"), _("used first, billed at the end of the month"), tone="idle"),
    "paid": lambda: State(_("Paid"), tone="ok"),
    "arrears": lambda: State(_("Arrears"), _("nothing is left; the grace period runs"), tone="warn", shape="triangle"),
    "frozen": lambda: State(_("Frozen"), _("suspended until it has money again"), tone="bad", shape="diamond"),
}
_CREDITS = 100
_TEMPLATE = "balances/page.html"


@dataclass(frozen=True)
class BalanceRow:
    view: billing.balances.View

    @property
    def account(self) -> str:
        return self.view.account

    @property
    def state_id(self) -> str:
        """Of the cell's element, as `left_id`."""
        return f"state-{self.account}"

    @property
    def left_id(self) -> str:
        return f"left-{self.account}"

    @property
    def state(self) -> State:
        return _STATES[self.view.state]()

    @property
    def left(self) -> str:
        """ "" of a post-paid account."""
        return "" if self.view.funds is None else self._money(self.view.funds.left)

    @property
    def credits(self) -> str:
        return "" if self.view.funds is None else self._money(self.view.funds.credits)

    @property
    def spent(self) -> str:
        return "" if self.view.funds is None else self._money(self.view.funds.spent)

    @property
    def packages(self) -> str:
        """What resource packages paid beside it; "" for nothing."""
        covered = self.view.funds.course.relief.paid if self.view.funds is not None else 0
        return self._money(Decimal(covered)) if covered else ""

    @property
    def rate(self) -> Rate | None:
        return None if self.view.funds is None else Rate(self.view.currency, self.view.funds.per_second)

    def _money(self, value: Decimal) -> str:
        return amounts.money(value, self.view.currency, 2 if abs(value) >= 1 or not value else 4)


@dataclass(frozen=True)
class CreditRow:
    amount: str
    note: str
    by: str
    at: datetime

    @classmethod
    def of(cls, one: Any) -> CreditRow:
        return cls(amounts.money(one.amount, one.currency, 2), one.note, one.by, instants.moment(one.at))


@guarded("GET", "POST")
def balance(visit: Visit) -> HttpResponse:
    posted, errors = visit.request.POST, list[FieldError]()
    context = _described(visit)
    if visit.request.method == "POST":
        billing.balances.admit_operator(visit.identity, "update")
        errors = _mode(visit) if posted.get("go") == "mode" else _credited(visit)
        if not errors:
            return redirect("console:balance")
    typed = {name: text(posted, name) for name in ("account", "amount", "note")}
    return create.form(visit, _TEMPLATE, "budgets", {**context, "typed": typed}, errors)


def _described(visit: Visit) -> Context:
    """What does not depend on what somebody types: it stays true by itself."""
    who = visit.identity
    view, is_operator = billing.balances.balance(who), billing.balances.is_operator(who)
    everybody = [BalanceRow(one) for one in billing.balances.balances(who)] if is_operator else []
    return {
        "section": "budgets",
        "row": BalanceRow(view),
        "credits": [CreditRow.of(one) for one in billing.balances.credits(who, limit=_CREDITS)],
        "everybody": everybody,
        "accounts": [(one.account, one.account) for one in everybody],
        "is_operator": is_operator,
        "currency": view.currency,
    }


balance.page = Page(_TEMPLATE, _described, frame.KINDS)  # type: ignore[attr-defined]


def _credited(visit: Visit) -> list[FieldError]:
    posted = visit.request.POST
    account, amount = text(posted, "account"), forms.amount(text(posted, "amount"))
    try:
        billing.balances.credit(visit.identity, account, amount, note=text(posted, "note"))
    except WrongFields as refusal:
        return field_errors(refusal)
    messages.success(visit.request, _("%(name)s was credited.") % {"name": account})
    return []


def _mode(visit: Visit) -> list[FieldError]:
    account, prepaid = text(visit.request.POST, "account"), text(visit.request.POST, "prepaid") == "on"
    try:
        billing.balances.set_prepaid(visit.identity, account, prepaid)
    except Missing as refusal:
        return [FieldError("account", refusal.message)]
    said = _("%(name)s is prepaid from now on.") if prepaid else _("%(name)s is post-paid from now on.")
    messages.success(visit.request, said % {"name": account})
    return []
