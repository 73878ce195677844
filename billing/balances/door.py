"""The balance of one's own account, and what the operator does with everybody's: credits, and who pays before.

Raises the errors of `iam.errors`. Every write stands in the audit trail of the operator's account and of the account
that it is about, in its own transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from billing import instants, prices
from billing.balances import funds
from billing.balances.funds import Funds
from billing.balances.models import Credit, Purse
from iam import audit, operators
from iam.audit import Target
from iam.errors import Missing, NotAdministrator, WrongFields
from iam.identities import Identity
from iam.models import Account
from workloads.store import doorbell
from workloads.store.writing import write

JSON = dict[str, Any]

MOST_AMOUNT = Decimal(100_000_000)
MOST_CREDITS = Decimal(500_000_000)
"""All of an account's together, also below nothing: SQLite adds up to 922,337,203 (`billing.fields`)."""
LONGEST_NOTE = 250


@dataclass(frozen=True)
class View:
    """`state` is `post-paid`, `paid`, `arrears` (nothing is left, the grace period runs) or `frozen`."""

    account: str
    currency: str
    prepaid: bool
    state: str
    funds: Funds | None
    grace_ends: datetime | None

    @property
    def used_up(self) -> datetime | None:
        """When nothing will be left if everything runs on."""
        found = self.funds.used_up if self.funds is not None and self.state == "paid" else None
        return None if found is None else instants.moment(found)


def balance(by: Identity) -> View:
    _admit(by, "get")
    return _view(by.account)


def balances(by: Identity) -> list[View]:
    """Of every account, by name; the operator's alone."""
    operators.admit(by, "cci:balance:list")
    return [_view(name) for name in Account.objects.order_by("name").values_list("name", flat=True)]


def credits(by: Identity, *, account: str = "", limit: int | None = None) -> list[Credit]:
    """The newest first; of another account than one's own for the operator alone."""
    if account not in ("", by.account):
        operators.admit(by, "cci:balance:list")
    else:
        _admit(by, "list")
    return list(Credit.objects.filter(account=account or by.account).order_by("-at", "id")[:limit])


def credit(by: Identity, account: str, amount: Decimal | None, *, note: str = "") -> Credit:
    """A negative amount takes back. Raises WrongFields, NotOperator."""
    with _audited(by, "create", account, {"amount": str(amount), "note": note}):
        operators.admit(by, "cci:balance:create")
        _hold(account)
        if wrong := dict(_problems(account, amount, note)):
            raise WrongFields(wrong)
        made = Credit(
            account=account,
            amount=amount or Decimal(0),
            currency=prices.current().currency,
            note=note,
            by=by.user,
            at=instants.now(),
        )
        made.save()
        _touch(account)
    return made


def set_prepaid(by: Identity, account: str, prepaid: bool) -> View:
    """Prepaid counts from now on. Post-paid again, an account is never frozen; its credits stay."""
    with _audited(by, "update", account, {"prepaid": prepaid}):
        operators.admit(by, "cci:balance:update")
        if not _hold(account):
            raise Missing("account", account)
        known, now = Purse.objects.select_for_update().filter(pk=account).first(), instants.now()
        if known is None or known.prepaid != prepaid:
            _turn(known or Purse(account=account, version=0), now, prepaid=prepaid)
        transaction.on_commit(doorbell.ring)
    return _view(account)


def alarm(account: str) -> View | None:
    """Arrears, for every page; one small question where there are none."""
    found = Purse.objects.filter(account=account, prepaid=True, arrears__isnull=False).exists()
    view = _view(account) if found else None
    return view if view is not None and view.state != "paid" else None


def may(by: Identity, verb: str) -> bool:
    return not by.is_service_account and by.may(f"cci:balance:{verb}")


def is_operator(by: Identity) -> bool:
    return operators.is_operator(by)


def admit_operator(by: Identity, verb: str) -> None:
    """For doors that ask before they read a form. Raises NotOperator."""
    operators.admit(by, f"cci:balance:{verb}")


def host() -> Identity:
    """Who manages on the host itself."""
    return Identity(settings.OPERATOR_ACCOUNT, "host", actions=("cci:*:*", "iam:*:*"))


def _hold(account: str) -> bool:
    """Until the transaction ends nobody else changes this account's balance. False where there is no such account."""
    found = Account.objects.select_for_update().filter(name=account.replace("\0", ""))
    return bool(found.values_list("pk", flat=True))


def _turn(purse: Purse, now: int, *, prepaid: bool) -> None:
    """What was used while it was prepaid stays used: it becomes a debt of the opening, so that the balance goes on
    where it was."""
    used = purse.used if purse.version else Decimal(0)
    if purse.version and purse.prepaid:
        used = funds.of(purse, now).spent
    since = instants.day(now)
    purse.used, purse.since = used, since
    purse.opening = _opening(purse.account, since, now) - used
    purse.prepaid, purse.version = prepaid, purse.version + 1
    purse.save()


def _opening(account: str, since: int, now: int) -> Decimal:
    """What was used on that day before it counts."""
    return funds.cost(account, since, now)


def _view(account: str) -> View:
    purse = Purse.objects.filter(account=account).first()
    currency = prices.current().currency
    if purse is None or not purse.prepaid:
        return View(account, currency, prepaid=False, state="post-paid", funds=None, grace_ends=None)
    known = funds.of(purse)
    state = "frozen" if purse.frozen is not None else "paid" if known.left > 0 else "arrears"
    ends = None if state == "paid" else instants.moment(funds.grace_ends(purse) or known.at + funds.grace())
    return View(account, currency, prepaid=True, state=state, funds=known, grace_ends=ends)


def _problems(account: str, amount: Decimal | None, note: str) -> Iterator[tuple[str, str]]:
    if "\0" in account or not Account.objects.filter(name=account).exists():
        yield "account", "is no account of this installation"
    if (
        amount is None
        or not amount.is_finite()
        or not amount
        or abs(amount) > MOST_AMOUNT
        or amount != round(amount, 10)
    ):
        yield "amount", f"must be a number other than 0, at most {MOST_AMOUNT:,}, with at most 10 decimal places"
    elif abs(funds.credited(account.replace("\0", "")) + amount) > MOST_CREDITS:
        yield "amount", f"must leave the account's credits at {MOST_CREDITS:,} together at most"
    if len(note) > LONGEST_NOTE or "\0" in note:
        yield "note", f"must have {LONGEST_NOTE} characters at most"


def _touch(account: str) -> None:
    """The watcher shall look."""
    for purse in Purse.objects.filter(pk=account):
        Purse.objects.filter(pk=account).update(version=purse.version + 1)
    transaction.on_commit(doorbell.ring)


def _admit(by: Identity, verb: str) -> None:
    if not may(by, verb):
        raise NotAdministrator(f"cci:balance:{verb}")


@contextmanager
def _audited(by: Identity, verb: str, account: str, told: JSON) -> Iterator[None]:
    action, target = f"cci:balance:{verb}", Target("Balance", account.replace("\0", "")[:64])
    changes = audit.difference({}, {name: value for name, value in told.items() if value != ""})
    try:
        with write():
            yield
            audit.record(by, action, target, changes=changes)
            if account != by.account:
                audit.record(replace(by, account=account, user="operator"), action, target, changes=changes)
    except NotAdministrator as refusal:
        audit.record(by, action, target, outcome="denied", message=refusal.message)
        refusal.is_recorded = True
        raise
