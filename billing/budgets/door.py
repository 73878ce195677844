"""Who may do what with budgets: pages and the REST API ask here. Raises the errors of `iam.errors`.

The right is `cci:budget:<verb>`; where a policy speaks of namespaces, it is asked about the budget's. Every write
stands in the audit trail, in its own transaction.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from billing import instants, prices
from billing.budgets import actions, cap, crossings, spending, webhooks
from billing.budgets.actions import Suspended
from billing.budgets.models import Budget, Crossing
from billing.budgets.spending import Spending
from iam import audit, vault
from iam.audit import Target
from iam.errors import Busy, Missing, NotAdministrator, Taken, WrongFields
from iam.identities import Identity
from workloads.client import Client
from workloads.meta import names
from workloads.meta.errors import NotFound
from workloads.store import doorbell
from workloads.store.writing import write

JSON = dict[str, Any]

SCOPES, PERIODS, ACTIONS = Budget.Scope.values, Budget.Period.values, Budget.Action.values
WORKLOADS = ("Deployment", "Job", "CronJob")
THRESHOLDS = (50, 80, 100)
MOST_BUDGETS, MOST_THRESHOLDS, HIGHEST_THRESHOLD = 200, 10, 1000
MOST_EMAILS, _LONGEST_EMAIL = 10, 254
MOST_AMOUNT = Decimal(100_000_000)
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_HISTORY = 100
ERROR_CODE = cap.ERROR_CODE
"""Of what a budget has no room for."""


@dataclass(frozen=True)
class Wish:
    """A budget as somebody asks for it. `amount` None: what was given is no number."""

    name: str = ""
    scope: str = Budget.Scope.ACCOUNT
    namespace: str = ""
    workload_kind: str = ""
    workload_name: str = ""
    period: str = Budget.Period.MONTHLY
    amount: Decimal | None = None
    thresholds: tuple[int, ...] = THRESHOLDS
    action: str = Budget.Action.NOTIFY
    emails: tuple[str, ...] = ()
    webhook: str = ""


@dataclass(frozen=True)
class View:
    """A budget, what it has spent now, and the thresholds that are crossed in this period."""

    budget: Budget
    spending: Spending
    crossed: tuple[int, ...] = ()
    history: Sequence[Crossing] = ()
    suspended: Sequence[Suspended] = ()
    bare_pods: Sequence[tuple[str, str]] = ()
    """(namespace, name) of pods in scope that nobody owns: they cannot be suspended."""
    webhook_secret: str = ""
    """For whoever may change the budget."""
    burn: Decimal = field(default=Decimal(0))
    """What a second costs as soon as all that is asked for runs."""

    @property
    def state(self) -> str:
        """`fine`, `near`, `over`, `stopped`, `suspended` or `resuming`."""
        if self.budget.suspended is not None:
            return "resuming" if self.budget.resuming else "suspended"
        if self.spending.is_used_up:
            return "stopped" if self.budget.is_cap else "over"
        return "near" if self.crossed else "fine"

    @property
    def words(self) -> str:
        """Of what it speaks."""
        return cap.scope_words(self.budget)


class Price(NamedTuple):
    """What bringing back would take: a second, and the least amount with which the next minutes are paid."""

    per_second: Decimal
    least: Decimal


def budgets(by: Identity) -> list[View]:
    """All that the caller may see, by name."""
    found = [one for one in Budget.objects.filter(account=by.account).order_by("name") if _may(by, "list", one)]
    if not found and not _may_somewhere(by, "list"):
        raise NotAdministrator("cci:budget:list")
    return [_view(one) for one in found]


def budget(by: Identity, name: str) -> View:
    """With its history and what it has suspended."""
    found = _found(by, "get", name)
    known, door = spending.of(found), actions.door_of(found)
    return View(
        budget=found,
        spending=known,
        crossed=tuple(sorted(crossings.standing(found, known.period_start))),
        history=list(found.crossings.prefetch_related("deliveries").order_by("-pk")[:_HISTORY]),
        suspended=actions.suspended(door, found) if found.suspended is not None else (),
        bare_pods=[_place(pod) for pod in actions.bare_pods(door, found)],
        webhook_secret=_secret(found) if _may(by, "update", found) else "",
        burn=cap.burn(found, known),
    )


def may(by: Identity, verb: str, namespace: str = "") -> bool:
    return not by.is_service_account and by.may(f"cci:budget:{verb}", namespace)


def admit(by: Identity, verb: str, name: str = "") -> None:
    """Who has the right nowhere is told that before anything else. Raises NotAdministrator."""
    if not _may_somewhere(by, verb):
        with _audited(by, verb, name, ""):
            raise NotAdministrator(f"cci:budget:{verb}")


def problems(by: Identity, wish: Wish, *, is_new: bool = True) -> dict[str, str]:
    """All that is wrong: field -> rule and remedy."""
    return dict(_problems(by, wish, is_new=is_new))


def wish_of(found: Budget) -> Wish:
    """As it is, for whoever changes a part of it."""
    return Wish(
        name=found.name,
        scope=found.scope,
        namespace=found.namespace,
        workload_kind=found.workload_kind,
        workload_name=found.workload_name,
        period=found.period,
        amount=found.amount,
        thresholds=found.percents,
        action=found.action,
        emails=found.addresses,
        webhook=found.webhook_url,
    )


def create(by: Identity, wish: Wish) -> View:
    """Raises NotAdministrator, WrongFields, Taken, and Busy when the account has as many as it may."""
    with _audited(by, "create", wish.name, wish.namespace, told=_told(wish)):
        if not may(by, "create", _home(wish)):
            raise NotAdministrator("cci:budget:create")
        if wrong := problems(by, wish):
            raise WrongFields(wrong)
        if Budget.objects.filter(account=by.account).count() >= MOST_BUDGETS:
            raise Busy(f"the account has {MOST_BUDGETS} budgets, the most there may be: delete one first")
        if Budget.objects.filter(account=by.account, name=wish.name).exists():
            raise Taken("budget", wish.name)
        try:
            with transaction.atomic():
                made = _made(by, wish)
        except IntegrityError:
            raise Taken("budget", wish.name) from None
    return _view(made)


def change(by: Identity, name: str, wish: Wish, *, version: int | None = None) -> View:
    """Amount, thresholds and action; what it speaks of, and for how long, stays. With `version`, raises Busy when
    somebody changed it meanwhile."""
    admit(by, "update", name)
    found = _found(by, "get", name)
    asked = _as_asked(found, wish)
    with _audited(by, "update", name, found.namespace, told=audit.difference(_told(wish_of(found)), _told(asked))):
        if not _may(by, "update", found):
            raise NotAdministrator("cci:budget:update")
        if wrong := problems(by, asked, is_new=False):
            raise WrongFields(wrong)
        _change(found, asked, version)
    return _view(found)


def delete(by: Identity, name: str) -> None:
    """Raises Busy while it holds something suspended: who would bring that back?"""
    admit(by, "delete", name)
    found = _found(by, "get", name)
    with _audited(by, "delete", name, found.namespace):
        if not _may(by, "delete", found):
            raise NotAdministrator("cci:budget:delete")
        idle = Budget.objects.select_for_update().filter(pk=found.pk, suspended__isnull=True).first()
        if idle is None:
            raise Busy(f"budget {name} holds workloads suspended: resume it first, then delete it")
        idle.delete()
        transaction.on_commit(doorbell.ring)


def price_of_resuming(view: View) -> Price:
    """`least` is told with cents, and a little more than it takes."""
    woken: dict[Any, int] = {}
    for one in view.suspended:
        if one.size is not None:
            woken[one.size] = woken.get(one.size, 0) + one.pods
    per_second = view.burn + cap.price(woken, instants.now())
    least = view.spending.then(instants.now() + 60 * instants.SECOND) + per_second * cap.reserve_seconds()
    return Price(per_second, (least + Decimal("0.02")).quantize(Decimal("0.01")))


def resume(by: Identity, name: str, *, amount: Decimal | None = None, at_end: bool = False) -> View:
    """Brings back what the budget has suspended: at once, with a larger `amount` if the period's is spent, or `at_end`
    of the period. Raises Busy when nothing is suspended, WrongFields with the least amount that will do."""
    admit(by, "update", name)
    view = budget(by, name)
    found, told = view.budget, {"amount": str(amount) if amount is not None else None, "atEnd": at_end}
    with _audited(by, "update", name, found.namespace, told=audit.difference({}, {"resume": told})):
        if not _may(by, "update", found):
            raise NotAdministrator("cci:budget:update")
        if found.suspended is None:
            raise Busy(f"budget {name} holds nothing suspended: there is nothing to resume")
        if at_end:
            if view.spending.period_end is None:
                raise WrongFields({"how": "a total never begins anew: give a larger amount"})
            Budget.objects.filter(pk=found.pk).update(resume_at_end=True)
        else:
            _check_amount(view, amount)
            if amount is not None and amount != found.amount:
                _change(found, replace(wish_of(found), amount=amount), None)
            Budget.objects.filter(pk=found.pk).update(resuming=True, resume_at_end=False, version=found.version + 1)
        transaction.on_commit(doorbell.ring)
    return budget(by, name)


def _check_amount(view: View, amount: Decimal | None) -> None:
    least = price_of_resuming(view).least
    if amount is not None and not is_amount(amount):
        raise WrongFields({"amount": _AMOUNT_RULE})
    if (view.budget.amount if amount is None else amount) < least:
        spent, minutes = cap.amount(view.spending.spent), cap.reserve_seconds() // 60
        said = f"must be at least {least}: {spent} is spent, and {minutes} minutes of what comes back must fit"
        raise WrongFields({"amount": said})


def notifications(by: Identity, *, limit: int = 50) -> list[Crossing]:
    """The newest first, of the budgets the caller may see."""
    found = Crossing.objects.filter(budget__account=by.account).select_related("budget").order_by("-pk")
    return [one for one in found[: 10 * limit] if _may(by, "list", one.budget)][:limit]


def unread(by: Identity) -> int:
    """Of the notifications, those that nobody of the account has marked as read; 100 stands for more."""
    found = Crossing.objects.filter(budget__account=by.account, read=False).select_related("budget")
    return sum(_may(by, "list", one.budget) for one in found[:100])


def mark_read(by: Identity) -> None:
    """All that the caller may see, for the whole account. Raises NotAdministrator."""
    admit(by, "update")
    seen = [one.pk for one in notifications(by, limit=MOST_BUDGETS) if _may(by, "update", one.budget)]
    Crossing.objects.filter(pk__in=seen, read=False).update(read=True)


def has_any(by: Identity) -> bool:
    """Whether the account has budgets at all: asked before anything else, on every page."""
    return not by.is_service_account and Budget.objects.filter(account=by.account).exists()


def alarms(by: Identity) -> list[Budget]:
    """Budgets that hold something suspended, or refuse more pods: what every page says."""
    found = Budget.objects.filter(account=by.account).order_by("name")
    return [one for one in found if _may(by, "list", one) and (one.suspended is not None or _is_stopped(one))]


def _is_stopped(budget: Budget) -> bool:
    """By what the watcher wrote down: pages must not add up bills."""
    if not budget.is_cap:
        return False
    start = spending.start_of(budget)
    return 100 in crossings.standing(budget, start)


def _made(by: Identity, wish: Wish) -> Budget:
    now = instants.now()
    made = Budget(
        account=by.account,
        name=wish.name,
        scope=wish.scope,
        namespace=wish.namespace,
        workload_kind=wish.workload_kind,
        workload_name=wish.workload_name,
        period=wish.period,
        amount=wish.amount or Decimal(0),
        currency=prices.current().currency,
        thresholds=_joined(wish.thresholds),
        action=wish.action,
        emails="\n".join(wish.emails),
        webhook_url=wish.webhook,
        webhook_secret=_new_secret() if wish.webhook else "",
        counted_from=instants.day(now),
    )
    if made.period == Budget.Period.TOTAL:
        made.opening = spending.of(made, now).spent
    made.save(force_insert=True)
    transaction.on_commit(doorbell.ring)
    return made


def _change(found: Budget, asked: Wish, version: int | None) -> None:
    """Thresholds that the new amount has not reached are open again; so is the last one for a new action."""
    has_new_action = asked.action != found.action
    changed = {
        "amount": asked.amount or Decimal(0),
        "thresholds": _joined(asked.thresholds),
        "action": asked.action,
        "emails": "\n".join(asked.emails),
        "webhook_url": asked.webhook,
        "webhook_secret": (found.webhook_secret or _new_secret()) if asked.webhook else "",
        "version": found.version + 1,
    }
    expected = found.version if version is None else version
    if not Budget.objects.filter(pk=found.pk, version=expected).update(**changed):
        raise Busy(f"budget {found.name} was changed meanwhile: look at it again")
    found.refresh_from_db()
    known = spending.of(found)
    crossings.lapse(found, known)
    if has_new_action:
        found.crossings.filter(period_start=known.period_start, threshold=100).update(lapsed=True)
    transaction.on_commit(doorbell.ring)


def is_amount(amount: Decimal | None) -> bool:
    """Whether a budget may have it: any Decimal is judged, also those that cannot be compared or rounded."""
    return amount is not None and amount.is_finite() and 0 < amount <= MOST_AMOUNT and amount == round(amount, 10)


_AMOUNT_RULE = f"must be a number above 0, at most {MOST_AMOUNT:,}, with at most 10 decimal places"


def _problems(by: Identity, wish: Wish, *, is_new: bool) -> Iterator[tuple[str, str]]:
    if is_new:
        if not _NAME.fullmatch(wish.name):
            yield "name", "must have 1 to 63 lower-case letters, digits or '-', with a letter or digit at both ends"
        if wish.scope not in SCOPES:
            yield "scope", f"must be one of {', '.join(SCOPES)}"
        if wish.period not in PERIODS:
            yield "period", f"must be one of {', '.join(PERIODS)}"
        yield from _scope_problems(by, wish)
    if not is_amount(wish.amount):
        yield "amount", _AMOUNT_RULE
    if len(wish.thresholds) > MOST_THRESHOLDS or any(not 0 < one <= HIGHEST_THRESHOLD for one in wish.thresholds):
        yield "thresholds", f"must be at most {MOST_THRESHOLDS} whole percentages from 1 to {HIGHEST_THRESHOLD}"
    if wish.action not in ACTIONS:
        yield "action", f"must be one of {', '.join(ACTIONS)}"
    if len(wish.emails) > MOST_EMAILS or not all(_is_address(one) for one in wish.emails):
        yield "emails", f"must be at most {MOST_EMAILS} e-mail addresses"
    if wish.webhook and (said := webhooks.problem(wish.webhook)):
        yield "webhook", said


def _scope_problems(by: Identity, wish: Wish) -> Iterator[tuple[str, str]]:
    """A workload need not be there yet: what is called so later is in scope."""
    if wish.scope == Budget.Scope.ACCOUNT:
        return
    if not wish.namespace:
        yield "namespace", "must name the namespace the budget is for"
    elif not _is_there(by, wish.namespace):
        yield "namespace", f'"{wish.namespace}" is no namespace of this account'
    if wish.scope != Budget.Scope.WORKLOAD:
        return
    if wish.workload_kind not in WORKLOADS:
        yield "workloadKind", f"must be one of {', '.join(WORKLOADS)}"
    if wrong := names.dns_subdomain(wish.workload_name):
        yield "workloadName", f"must be the name of the workload: {wrong[0]}"


def _is_there(by: Identity, namespace: str) -> bool:
    try:
        Client(Identity.controller(actions.COMPONENT, by.account)).get("Namespace", namespace)
    except NotFound:
        return False
    return True


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= _LONGEST_EMAIL


def _new_secret() -> str:
    return vault.seal(secrets.token_urlsafe(32))


def _secret(budget: Budget) -> str:
    return vault.unseal(budget.webhook_secret) if budget.webhook_secret else ""


def _view(budget: Budget) -> View:
    known = spending.of(budget)
    return View(budget, known, tuple(sorted(crossings.standing(budget, known.period_start))))


def _found(by: Identity, verb: str, name: str) -> Budget:
    """What may not be seen is not there."""
    found = Budget.objects.filter(account=by.account, name=name).first() if "\0" not in name else None
    if found is None or not _may(by, verb, found):
        if found is None and not _may_somewhere(by, verb):
            raise NotAdministrator(f"cci:budget:{verb}")
        raise Missing("budget", name)
    return found


def _may(by: Identity, verb: str, budget: Budget) -> bool:
    return may(by, verb, budget.namespace)


def _may_somewhere(by: Identity, verb: str) -> bool:
    """Whoever has the right in some namespaces sees an empty list, not a refusal."""
    action = f"cci:budget:{verb}"
    if by.is_service_account:
        return False
    return by.may(action) or any(one.allow and by.may(action, name) for one in by.statements for name in one.namespaces)


def _home(wish: Wish) -> str:
    return "" if wish.scope == Budget.Scope.ACCOUNT else wish.namespace


def _as_asked(found: Budget, wish: Wish) -> Wish:
    """What cannot be changed stays."""
    changed = {name: getattr(wish, name) for name in ("amount", "thresholds", "action", "emails", "webhook")}
    return replace(wish_of(found), **changed)


def _joined(thresholds: Sequence[int]) -> str:
    return ",".join(str(one) for one in sorted({100, *thresholds}))


def _told(wish: Wish) -> JSON:
    """For the audit trail; what is no amount is refused."""
    amount = f"{wish.amount.normalize():f}" if wish.amount is not None and is_amount(wish.amount) else None
    told = {**wish.__dict__, "amount": amount}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items() if value}


def _place(pod: JSON) -> tuple[str, str]:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]


@contextmanager
def _audited(by: Identity, verb: str, name: str, namespace: str, *, told: Any = ()) -> Iterator[None]:
    """The change and its entry are one transaction; what is denied is in the trail, too."""
    action, target = f"cci:budget:{verb}", Target("Budget", name[:253], namespace[:63])
    try:
        with write():
            yield
            changes = told if isinstance(told, list) else audit.difference({}, dict(told))
            audit.record(by, action, target, changes=changes)
    except NotAdministrator as refusal:
        audit.record(by, action, target, outcome="denied", message=refusal.message)
        refusal.is_recorded = True
        raise
