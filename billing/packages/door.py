"""Who may grant packages and see them: pages and the REST API ask here. Raises the errors of `iam.errors`.

The operator grants (`cci:package:create`) and ends (`cci:package:delete`); an account sees its own
(`cci:package:list`). Every write stands in the operator's audit trail, in its own transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from billing import instants
from billing.instants import HOUR, Instant
from billing.models import Statement
from billing.packages import coverage
from billing.packages.models import Package, PackageUse
from iam import audit, operators
from iam.audit import Target
from iam.errors import Missing, NotAdministrator, WrongFields
from iam.identities import Identity
from iam.models import Account
from workloads.store.writing import write

ITEMS = Package.Item.values
_UNITS = {Package.Item.VCPU: 3600 * 1000, Package.Item.MEMORY: 3600 * 1024}
MOST_HOURS = Decimal(1_000_000_000)
MOST_YEARS = 10
_LONGEST_NAME = 64


@dataclass(frozen=True)
class Wish:
    """A package as an operator asks for it: `hours` of cores or GiB. None: what was given is nothing of that kind."""

    account: str = ""
    name: str = ""
    item: str = Package.Item.VCPU
    hours: Decimal | None = None
    starts: datetime | None = None
    ends: datetime | None = None
    monthly: bool = False


@dataclass(frozen=True)
class View:
    """A package and how it stands, in hours. `used` and `left` are of this month where it begins anew each month."""

    number: int
    account: str
    name: str
    item: str
    hours: Decimal
    used: Decimal
    left: Decimal
    starts: datetime
    ends: datetime
    monthly: bool
    granted: datetime
    state: str
    """`coming`, `in force`, `used up` or `over`."""
    next_reset: datetime | None

    @property
    def percent(self) -> int:
        return int(self.used * 100 / self.hours) if self.hours else 0


def packages(by: Identity) -> list[View]:
    """The account's, those that are lost next first, what is over last. Raises NotAdministrator."""
    if by.is_service_account or not by.may("cci:package:list"):
        raise NotAdministrator("cci:package:list")
    found = list(Package.objects.filter(account=by.account).order_by("pk"))
    now = instants.now()
    taken = coverage.of_month(by.account, instants.month(now))
    views = [_view(one, taken.used.get(one.pk, 0), taken.before.get(one.pk, 0), now) for one in found]
    return sorted(views, key=lambda view: (view.state == "over", _lost(view), view.number))


def package(by: Identity, number: int) -> View:
    """Raises NotAdministrator, Missing."""
    for view in packages(by):
        if view.number == number:
            return view
    raise Missing("package", str(number))


def may_grant(by: Identity) -> bool:
    return operators.is_operator(by)


def granted(by: Identity) -> list[Package]:
    """All there are, for the operator, who made them: not what is used of them. Raises NotOperator."""
    operators.admit(by, "cci:package:create")
    return list(Package.objects.order_by("-pk"))


def grant(by: Identity, wish: Wish) -> Package:
    """Raises NotOperator, WrongFields."""
    with _audited(by, "create", wish.name or "?", told=_told(wish)):
        operators.admit(by, "cci:package:create")
        if wrong := dict(_problems(wish)):
            raise WrongFields(wrong)
        item, until = Package.Item(wish.item), instants.of(cast(datetime, wish.ends))
        return Package.objects.create(
            account=wish.account,
            name=wish.name,
            item=item,
            units=int(cast(Decimal, wish.hours) * _UNITS[item]),
            starts=_start(wish),
            ends=until,
            expires=until,
            monthly=wish.monthly,
            granted=instants.moment(instants.now()),
            granted_by=by.user[:200],
        )


def end(by: Identity, number: int) -> Package:
    """From the next full hour on; what it has paid for stays paid. Raises NotOperator, Missing."""
    with _audited(by, "delete", str(number)):
        operators.admit(by, "cci:package:delete")
        found = Package.objects.select_for_update().filter(pk=number).first()
        if found is None:
            raise Missing("package", str(number))
        soon = _next_hour(instants.now())
        if found.ends > soon:
            found.ends = max(soon, found.starts)
            found.save(update_fields=["ends"])
        return found


def keep_use(statement: Statement) -> None:
    """What the statement's month took, for the months after it. Inside the transaction that writes the statement."""
    used = coverage.of_month(statement.account, statement.month).used
    rows = [
        PackageUse(package_id=number, month=statement.month, units=units) for number, units in used.items() if units
    ]
    PackageUse.objects.bulk_create(rows)


def use_of(account: str, month: Instant) -> list[tuple[Package, Decimal]]:
    """What a month took of each package, in hours."""
    used = coverage.of_month(account, month).used
    found = Package.objects.filter(pk__in=[number for number, units in used.items() if units]).order_by("pk")
    return [(one, hours_of(one, used[one.pk])) for one in found]


def hours_of(package: Package, units: int) -> Decimal:
    return Decimal(units) / _UNITS[Package.Item(package.item)]


def _view(one: Package, used: int, before: int, now: Instant) -> View:
    taken = used if one.monthly else used + before
    state = "coming" if now < one.starts else "over" if now >= one.ends else "in force"
    left = max(0, one.units - taken) if state != "over" else 0
    resets = instants.next_month(now) if one.monthly and instants.next_month(now) < one.ends else None
    return View(
        number=one.pk,
        account=one.account,
        name=one.name,
        item=one.item,
        hours=hours_of(one, one.units),
        used=hours_of(one, taken),
        left=hours_of(one, left),
        starts=instants.moment(one.starts),
        ends=instants.moment(one.ends),
        monthly=one.monthly,
        granted=one.granted,
        state="used up" if state == "in force" and not left else state,
        next_reset=instants.moment(resets) if resets and state != "over" else None,
    )


def _lost(view: View) -> datetime:
    return view.next_reset or view.ends


def _start(wish: Wish) -> Instant:
    """The present hour, unless another one was asked for: what runs in it is paid for already."""
    return instants.of(wish.starts) if wish.starts is not None else instants.hour(instants.now())


def _next_hour(now: Instant) -> Instant:
    return instants.hour(now) + HOUR


def _problems(wish: Wish) -> Iterator[tuple[str, str]]:
    if not Account.objects.filter(name=wish.account).exists():
        yield "account", "names no account: give the name that its users sign in with"
    if not wish.name.strip() or len(wish.name) > _LONGEST_NAME or "\0" in wish.name:
        yield "name", f"must have 1 to {_LONGEST_NAME} characters"
    if wish.item not in ITEMS:
        yield "item", f"must be {' or '.join(ITEMS)}"
    if wish.hours is None or not 0 < wish.hours <= MOST_HOURS or wish.hours != round(wish.hours, 2):
        yield "hours", "must be a number above 0, with at most two decimal places"
    yield from _span_problems(wish)


def _span_problems(wish: Wish) -> Iterator[tuple[str, str]]:
    now = instants.hour(instants.now())
    starts = _start(wish)
    if starts % HOUR or starts < now:
        yield "starts", "must be a full hour, the present one at the earliest: what was before is billed"
    if wish.ends is None or instants.of(wish.ends) % HOUR:
        yield "ends", "must be a full hour (UTC)"
    elif not starts < instants.of(wish.ends) <= starts + MOST_YEARS * 366 * 24 * HOUR:
        yield "ends", f"must come after the start, by {MOST_YEARS} years at most"


def _told(wish: Wish) -> dict[str, Any]:
    told = {name: value for name, value in wish.__dict__.items() if value not in (None, "")}
    return {name: value if isinstance(value, bool) else str(value) for name, value in told.items()}


@contextmanager
def _audited(by: Identity, verb: str, name: str, *, told: dict[str, Any] | None = None) -> Iterator[None]:
    """The change and its entry are one transaction; what is denied is in the trail, too."""
    action, target = f"cci:package:{verb}", Target("Package", name[:253], "")
    try:
        with write():
            yield
            audit.record(by, action, target, changes=audit.difference({}, told or {}))
    except NotAdministrator as refusal:
        audit.record(by, action, target, outcome="denied", message=refusal.message)
        refusal.is_recorded = True
        raise
